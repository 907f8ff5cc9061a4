// Tokens in the page, by oidc-client-ts: it makes state, nonce and code verifier,
// compares them when the browser comes back, and renews the access token with the
// refresh token before it expires.
//
// A script that gets into the page can read the tokens. sessionStorage limits that to
// the tab and its life; the variant with a cookie shows what helps against it.
import { ErrorResponse, ErrorTimeout, UserManager, WebStorageStateStore } from "oidc-client-ts";

const failure = (sentence) => Object.assign(new Error(sentence), { sentence });

const answers = {
  access_denied: "The sign-in was cancelled. Nothing has changed.",
  invalid_scope: "Managed login does not give this app client that scope. Add the scope to the app client's settings.",
  invalid_grant: "Managed login does not take this code or refresh token any more. Sign in again.",
};

// sentence says what failed in words of our own: the text of an error can be anything
// that somebody wrote into a link.
const sentence = (err) => {
  if (err instanceof ErrorResponse) {
    return answers[err.error] ?? "Managed login answered with an error. Look at the app client's settings, and sign in again.";
  }
  if (err instanceof TypeError || err instanceof ErrorTimeout) {
    return "Managed login cannot be reached. Look at your connection and the name of the pool, and try again.";
  }
  if (/state/i.test(err?.message)) {
    return "This answer of managed login fits no sign-in that began in this tab. It was not used. Sign in again.";
  }
  if (/nonce/i.test(err?.message)) {
    return "The ID token belongs to another sign-in. It was not used. Sign in again.";
  }
  return "The sign-in failed. Try again.";
};

export const withTokens = (config, draw, tell) => {
  const page = `${location.origin}/`;
  const store = new WebStorageStateStore({ store: sessionStorage });
  const manager = new UserManager({
    authority: config.domain,
    metadataUrl: config.metadataURL,
    // Discovery documents of Cognito have not always had this one.
    metadataSeed: { revocation_endpoint: `${config.domain}/oauth2/revoke` },
    client_id: config.clientID,
    redirect_uri: page,
    response_type: "code",
    scope: "openid profile",
    stateStore: store,
    userStore: store,
    requestTimeoutInSeconds: 10,
    automaticSilentRenew: true,
    // There is no session at managed login to watch in a frame: a browser that blocks
    // cookies of third parties shows none.
    monitorSession: false,
  });
  const tabs = new BroadcastChannel("sign-out");
  const guarded = async (what) => {
    try {
      return await what();
    } catch (err) {
      throw failure(sentence(err));
    }
  };

  const redraw = (user) =>
    draw(user && {
      name: user.profile["cognito:username"] ?? user.profile.sub,
      facts: [
        ["Scopes", user.scope ?? ""],
        ["Token until", new Date(user.expires_at * 1000).toLocaleTimeString()],
      ],
    });
  manager.events.addUserLoaded(redraw);
  manager.events.addUserUnloaded(() => redraw(null));
  manager.events.addSilentRenewError((err) => tell(sentence(err), "bad"));
  tabs.addEventListener("message", async () => {
    if (await manager.getUser()) {
      await manager.removeUser();
      tell("You were signed out in another tab.");
    }
  });

  // renew fetches another access token with the refresh token. A refresh token that is
  // refused ends the session.
  const renew = async () => {
    try {
      const user = await manager.getUser();
      if (!user?.refresh_token) throw failure("There is no refresh token. Sign in again.");
      return await manager.signinSilent();
    } catch (err) {
      if (err instanceof ErrorResponse) await manager.removeUser();
      throw err.sentence ? err : failure(sentence(err));
    }
  };

  const send = (method, path, user) =>
    fetch(config.api + path, { method, headers: user ? { Authorization: `Bearer ${user.access_token}` } : {} });

  return {
    renew,

    async begin() {
      const url = location.href;
      if (/[?&](code|error|state)=/.test(location.search)) {
        // Neither code nor state stays in the history, whatever comes of them.
        history.replaceState(null, "", "/");
        try {
          await manager.signinRedirectCallback(url);
        } catch (err) {
          tell(sentence(err), "bad");
        }
      }
      await manager.clearStaleState();
      redraw(await manager.getUser());
    },

    // signIn leaves the page, and asks for the scopes of the session as well. A nonce is
    // optional in OpenID Connect, so the library sends one only if it is given; then it
    // wants the same one in the ID token.
    signIn: ({ scope, max_age }) =>
      guarded(async () => {
        const scopes = new Set(((await manager.getUser())?.scope ?? manager.settings.scope).split(" "));
        if (scope) scopes.add(scope);
        await manager.signinRedirect({ nonce: crypto.randomUUID(), max_age, scope: [...scopes].join(" ") });
      }),

    // call makes a call, and once more if the token has expired in the middle.
    async call(method, path) {
      const user = await manager.getUser();
      const response = await send(method, path, user);
      const header = response.headers.get("WWW-Authenticate") ?? "";
      if (response.status !== 401 || !header.includes('error="invalid_token"') || !user?.refresh_token) return { response };
      return { response: await send(method, path, await renew()), note: "The API refused the token. It was renewed, and the call made again." };
    },

    // signOut ends what this page holds, then the session at managed login, whose
    // /logout wants client_id and logout_uri instead of what OpenID Connect has.
    async signOut() {
      await manager.revokeTokens(["refresh_token"]).catch(() => {});
      await manager.removeUser();
      tabs.postMessage("signed out");
      location.assign(`${config.domain}/logout?${new URLSearchParams({ client_id: config.clientID, logout_uri: page })}`);
    },
  };
};
