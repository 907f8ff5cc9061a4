// Package codes names the codes of decisions, as cognitoauth.Error and
// cognitoauth.Decision have them in their field Code. A program that branches on
// one compares it with a constant, so that the compiler finds a misspelt code:
//
//	if e, ok := errors.AsType[*cognitoauth.Error](err); ok && e.Code == codes.TokenExpired {
//		// the client may refresh its token
//	}
//
// To branch on a kind of refusal, compare with the sentinels of package cognitoauth
// by errors.Is. The reference of the module, docs/reference.md, says when each code is
// given and how it is answered. A code is never given a new meaning; new ones may
// come, so have a default for those that you do not know.
package codes

// Of allowed requests.
const (
	Authenticated = "authenticated" // with a valid token
	Anonymous     = "anonymous"     // without claims, on an open route
)

// Of ErrNoToken, 401.
const (
	TokenMissing = "token_missing"
)

// Of ErrInvalidRequest, 400.
const (
	CredentialsMalformed = "credentials_malformed"
	CredentialsRepeated  = "credentials_repeated"
)

// Of ErrInvalidToken, 401, in the order in which the checks are made.
const (
	TokenTooLarge        = "token_too_large"
	TokenMalformed       = "token_malformed"
	AlgorithmUnsupported = "algorithm_unsupported"
	KeyIDInvalid         = "key_id_invalid"
	HeaderUnsupported    = "header_unsupported"
	TypeUnsupported      = "type_unsupported"
	ClaimsMalformed      = "claims_malformed"
	IssuerMismatch       = "issuer_mismatch"
	TokenUseMismatch     = "token_use_mismatch"
	ExpiryMissing        = "expiry_missing"
	TokenExpired         = "token_expired"
	TokenNotYetValid     = "token_not_yet_valid"
	TokenIssuedInFuture  = "token_issued_in_future"
	LifetimeTooLong      = "lifetime_too_long"
	ClientMismatch       = "client_mismatch"
	SubjectMissing       = "subject_missing"
	AudienceMismatch     = "audience_mismatch"
	TokenBound           = "token_bound"
	KeyUnknown           = "key_unknown"
	SignatureInvalid     = "signature_invalid"
	TokenRevoked         = "token_revoked"
)

// Of ErrInsufficientScope, 403.
const (
	ScopeMissing = "scope_missing"
)

// Of ErrStepUpRequired, 401: the user has to log in again, or differently.
const (
	LoginTooOld    = "login_too_old"
	ACRMismatch    = "acr_mismatch"
	StepUpRequired = "step_up_required"
)

// Of ErrForbidden, 403: no other token of this caller helps.
const (
	ScopeUnattainable = "scope_unattainable"
	LoginUnattainable = "login_unattainable"
	ACRUnattainable   = "acr_unattainable"
	GroupMissing      = "group_missing"
	ClientDenied      = "client_denied"
	ClaimDenied       = "claim_denied"
	UserRequired      = "user_required"
	MachineRequired   = "machine_required"
	AssertionDenied   = "assertion_denied"
	PolicyDenies      = "policy_denies"
)

// Of ErrCrossOrigin, 403.
const (
	CrossOrigin = "cross_origin"
)

// Of ErrUnavailable, 503.
const (
	KeysUnavailable        = "keys_unavailable"
	ClientCheckUnavailable = "client_check_unavailable"
	RequestEnded           = "request_ended"
	RevocationUnavailable  = "revocation_unavailable"
)

// Of ErrMisconfigured, 500.
const (
	NotWired = "not_wired"
)
