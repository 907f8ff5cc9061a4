// Calls the MCP server with a client of the TypeScript SDK, and prints what comes of
// each call as a line of JSON. Arguments: the version of the SDK (1 or 2), the address of
// the server, the ID of the app client, a token for another resource, and a token that may
// read. The server sees to it that the last one expires soon after a stream has begun.

const [version, endpoint, clientID, otherToken, readToken] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = version === "2"
  ? await import("@modelcontextprotocol/client")
  : {
      ...(await import("@modelcontextprotocol/sdk/client/index.js")),
      ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
      ...(await import("@modelcontextprotocol/sdk/client/auth.js")),
    };
const callback = "http://127.0.0.1:1/callback";

// wire notes each answer that is not just a result. Version 1 tries at some time whether
// the server has a stream for GET (405).
let answers = [];
const wire = async (url, init) => {
  const res = await fetch(url, init);
  const { pathname } = new URL(url);
  if (pathname.startsWith("/.well-known/") || (res.status >= 400 && res.status !== 405)) {
    const challenge = res.headers.get("WWW-Authenticate");
    answers.push(`${res.status} ${pathname}${challenge ? ` ${challenge}` : ""}`);
  }
  return res;
};

const print = (step, result) => console.log(JSON.stringify({ step, result }));
const say = (step, result) => {
  for (const answer of answers) print("wire", answer);
  answers = [];
  print(step, result);
};
const failure = (err) => `error: ${err.status ?? err.code}`;

// provider keeps the tokens. In place of a browser it follows the authorization URL
// itself, and finds the code in the redirect.
class Provider {
  redirectUrl = callback;
  clientMetadata = { redirect_uris: [callback], client_name: "example" };
  clientInformation = () => ({ client_id: clientID });
  tokens = () => this.saved;
  saveTokens = (tokens) => { this.saved = tokens; };
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => { this.verifier = verifier; };
  state = () => "state";
  async redirectToAuthorization(url) {
    const res = await fetch(url, { redirect: "manual" });
    if (res.status !== 302) throw new Error(`managed login: ${res.status} ${await res.text()}`);
    this.code = new URL(res.headers.get("Location")).searchParams.get("code");
  }
}

const newClient = () => new Client({ name: "example", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });

// login does what is to be done, and once more after a login.
const provider = new Provider();
const newTransport = () => new StreamableHTTPClientTransport(new URL(endpoint), { authProvider: provider, fetch: wire });
let transport = newTransport();
const login = async (what) => {
  try {
    return await what();
  } catch (err) {
    if (!(err instanceof UnauthorizedError)) throw err;
    await transport.finishAuth(provider.code);
    return what();
  }
};

let client;
await login(async () => {
  if (client) transport = newTransport();
  client = newClient();
  await client.connect(transport);
});
say("connect", transport.protocolVersion);
for (const name of ["read_order", "change_order", "close_shop", "read_order"]) {
  try {
    const res = await login(() => client.callTool({ name, arguments: {} }));
    say(name, res.content[0].text);
  } catch (err) {
    say(name, failure(err));
  }
}
await client.close();

// withToken connects a client that has a token and cannot get another.
const withToken = async (token) => {
  const client = newClient();
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), {
    fetch: wire,
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  }));
  return client;
};
try {
  await withToken(otherToken);
  say("another resource", "admitted");
} catch (err) {
  say("another resource", failure(err));
}

if (version === "2") await stream();

// stream listens until the token expires. Version 1 has no subscriptions/listen.
async function stream() {
  const listener = await withToken(readToken);
  const subscription = await listener.listen({ toolsListChanged: true });
  await subscription.closed;
  say("stream", "ended");
  try {
    await listener.callTool({ name: "read_order", arguments: {} });
    say("after it", "admitted");
  } catch (err) {
    say("after it", failure(err));
  }
  await listener.close();
}
