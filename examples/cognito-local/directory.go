package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

const password = "Correct-Horse-1"

// tokens is what one sign-in yields.
type tokens struct{ Access, ID, Refresh string }

// directory is what the example keeps in Cognito, and the tokens it got there.
type directory struct {
	PoolID        string
	ClientID      string
	OtherClientID string // of the same pool, not accepted by the API

	Ada       tokens // member of the group analysts
	Refreshed tokens // Ada's, by her refresh token
	Coded     tokens // Ada's, by an authorization code
	Bob       tokens // member of no group
	Other     tokens // Ada's, of OtherClientID
	Foreign   tokens // a user of another pool who is called ada as well
}

// fill creates the pools, app clients, users and groups of the example and
// signs everybody in. Nothing here is about the emulator but the address.
func fill(ctx context.Context, endpoint string) (*directory, error) {
	a := admin{cognito.New(cognito.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "local",
		HTTPClient:   &http.Client{Timeout: 10 * time.Second},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})}
	var d directory
	var foreignPool, foreignClient string
	steps := []struct {
		name string
		do   func() error
	}{
		{"create the pool", func() (err error) { d.PoolID, err = a.createPool(ctx, "example"); return }},
		{"create the app client", func() (err error) { d.ClientID, err = a.createClient(ctx, d.PoolID, "api"); return }},
		{"create the second app client", func() (err error) { d.OtherClientID, err = a.createClient(ctx, d.PoolID, "other"); return }},
		{"create ada", func() error { return a.createUser(ctx, d.PoolID, "ada") }},
		{"create bob", func() error { return a.createUser(ctx, d.PoolID, "bob") }},
		{"make ada an analyst", func() error { return a.createGroup(ctx, d.PoolID, "analysts", "ada") }},
		{"sign ada in", func() (err error) { d.Ada, err = a.signIn(ctx, d.ClientID, "ada"); return }},
		{"refresh ada's tokens", func() (err error) { d.Refreshed, err = a.refresh(ctx, d.ClientID, d.Ada.Refresh); return }},
		{"sign ada in with a code", func() (err error) { d.Coded, err = signInWithCode(ctx, endpoint, d.ClientID, "ada"); return }},
		{"sign bob in", func() (err error) { d.Bob, err = a.signIn(ctx, d.ClientID, "bob"); return }},
		{"sign ada in at the second app client", func() (err error) { d.Other, err = a.signIn(ctx, d.OtherClientID, "ada"); return }},

		{"create another pool", func() (err error) { foreignPool, err = a.createPool(ctx, "foreign"); return }},
		{"create its app client", func() (err error) { foreignClient, err = a.createClient(ctx, foreignPool, "api"); return }},
		{"create its user", func() error { return a.createUser(ctx, foreignPool, "ada") }},
		{"sign its user in", func() (err error) { d.Foreign, err = a.signIn(ctx, foreignClient, "ada"); return }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return &d, nil
}

// admin is an administrator of user pools.
type admin struct{ *cognito.Client }

func (a admin) createPool(ctx context.Context, name string) (id string, err error) {
	out, err := a.CreateUserPool(ctx, &cognito.CreateUserPoolInput{PoolName: &name})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.UserPool.Id), nil
}

func (a admin) createClient(ctx context.Context, pool, name string) (id string, err error) {
	out, err := a.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId:        &pool,
		ClientName:        &name,
		CallbackURLs:      []string{callback},
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.UserPoolClient.ClientId), nil
}

func (a admin) createUser(ctx context.Context, pool, name string) error {
	_, err := a.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId:    &pool,
		Username:      &name,
		MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String(name + "@example.com")},
		},
	})
	if err != nil {
		return err
	}
	_, err = a.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &pool,
		Username:   &name,
		Password:   aws.String(password),
		Permanent:  true,
	})
	return err
}

func (a admin) createGroup(ctx context.Context, pool, name, member string) error {
	_, err := a.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &pool, GroupName: &name})
	if err != nil {
		return err
	}
	_, err = a.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{
		UserPoolId: &pool,
		GroupName:  &name,
		Username:   &member,
	})
	return err
}

func (a admin) signIn(ctx context.Context, client, user string) (tokens, error) {
	return a.authenticate(ctx, client, types.AuthFlowTypeUserPasswordAuth, map[string]string{
		"USERNAME": user,
		"PASSWORD": password,
	})
}

func (a admin) refresh(ctx context.Context, client, token string) (tokens, error) {
	return a.authenticate(ctx, client, types.AuthFlowTypeRefreshTokenAuth, map[string]string{
		"REFRESH_TOKEN": token,
	})
}

func (a admin) authenticate(ctx context.Context, client string, flow types.AuthFlowType, parameters map[string]string) (tokens, error) {
	out, err := a.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId:       &client,
		AuthFlow:       flow,
		AuthParameters: parameters,
	})
	if err != nil {
		return tokens{}, err
	}
	if out.AuthenticationResult == nil {
		return tokens{}, fmt.Errorf("challenged with %q", out.ChallengeName)
	}
	r := out.AuthenticationResult
	return tokens{aws.ToString(r.AccessToken), aws.ToString(r.IdToken), aws.ToString(r.RefreshToken)}, nil
}
