package corpus

// Pages of the Amazon Cognito Developer Guide that decide cases.
const (
	accessPage   = "Cognito guide, Understanding the access token"
	idPage       = "Cognito guide, Understanding the identity (ID) token"
	verifyPage   = "Cognito guide, Verifying JSON web tokens"
	tokensPage   = "Cognito guide, Understanding user pool JSON web tokens (JWTs)"
	scopesPage   = "Cognito guide, Scopes, M2M, and resource servers"
	registerPage = "Cognito guide, Dynamic client registration"
	triggerPage  = "Cognito guide, Pre token generation Lambda trigger"
	issuerPage   = "Cognito guide, User pool endpoints and managed login reference"
	replicaPage  = "Cognito guide, Multi-Region replication"
	revokePage   = "Cognito guide, Ending user sessions with token revocation"
	groupsPage   = "Cognito guide, Adding groups to a user pool"
	poolIDField  = "Cognito API reference, UserPoolType, Id"
)
