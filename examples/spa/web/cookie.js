// Tokens in a cookie: the server signs in, renews and calls the API (bff.go). The page
// has nothing to keep, and nothing that a script could steal.

const sentences = {
  access_denied: "The sign-in was cancelled. Nothing has changed.",
  invalid_scope: "Managed login does not give this app client that scope. Add the scope to the app client's settings.",
  invalid_grant: "Managed login does not take this code any more. Sign in again.",
  state: "This answer of managed login fits no sign-in that began in this browser. It was not used. Sign in again.",
  nonce: "The ID token belongs to another sign-in, or is not valid. It was not used. Sign in again.",
  unreachable: "Managed login cannot be reached from the server. Try again in a moment.",
  large: "The tokens are too large for cookies.",
};

export const withCookie = (config, draw, tell) => {
  const tabs = new BroadcastChannel("sign-out-cookie");
  const redraw = async () => {
    const { user } = await (await fetch("/bff/session")).json();
    draw(user === null ? null : { name: user });
    return user;
  };
  tabs.addEventListener("message", async () => {
    await redraw();
    tell("You were signed out in another tab.");
  });

  return {
    async begin() {
      const failed = new URLSearchParams(location.search).get("failed");
      if (failed !== null) {
        history.replaceState(null, "", "/cookie");
        tell(Object.hasOwn(sentences, failed) ? sentences[failed] : "The sign-in failed. Try again.", "bad");
      }
      await redraw();
    },

    async signIn(ask) {
      location.assign(`/bff/login?${new URLSearchParams(ask)}`);
    },

    async call(method, path) {
      const response = await fetch(`/bff${path}`, { method });
      await redraw(); // a session that could not be renewed is gone
      return { response };
    },

    async signOut() {
      const { next } = await (await fetch("/bff/logout", { method: "POST" })).json();
      tabs.postMessage("signed out");
      location.assign(next);
    },
  };
};
