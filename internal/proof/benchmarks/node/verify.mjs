// Verifies tokens and tells how long that took: node --expose-gc verify.mjs PEER
//
//   verify TOKEN    accepted, or refused WHY
//   time N TOKEN    took NANOSECONDS, or refused WHY
import { createPublicKey } from 'node:crypto';
import { about, inOneLine, talk } from './child.mjs';

// Each makes a function that throws unless the token is one of this pool, client
// and use. None ever fetches anything: the key set comes with the first line.
const peers = {
  'aws-jwt-verify': async ({ id, clientID, keySet }) => {
    const { CognitoJwtVerifier } = await import('aws-jwt-verify');
    const verifier = CognitoJwtVerifier.create({ userPoolId: id, tokenUse: 'access', clientId: clientID });
    verifier.cacheJwks(keySet);
    return (token) => verifier.verifySync(token);
  },
  'fast-jwt': (place) => fastJWT(place, false),
  'fast-jwt-cache': (place) => fastJWT(place, true),
};

// fast-jwt knows no key set without a function of one's own that looks the key up,
// so it is given the key that verifies.
async function fastJWT({ clientID, issuer, keySet, kid }, cache) {
  const { createVerifier } = await import('fast-jwt');
  const jwk = keySet.keys.find((key) => key.kid === kid);
  return createVerifier({
    key: createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    algorithms: ['RS256'],
    allowedIss: issuer,
    allowedAud: clientID,
    cache,
  });
}

const peer = process.argv[2];
let verify;

function time(n, token) {
  globalThis.gc(); // nobody pays for the garbage of the slot before
  const start = process.hrtime.bigint();
  for (let i = 0; i < n; i++) verify(token);
  return `took ${process.hrtime.bigint() - start}`;
}

await talk(
  async (place) => {
    verify = await peers[peer](place);
    return `ready ${about(peer.replace('-cache', ''))}`;
  },
  (line) => {
    const [command, ...args] = line.split(' ');
    try {
      if (command === 'time') return time(Number(args[0]), args[1]);
      verify(args[0]);
      return 'accepted';
    } catch (error) {
      return `refused ${inOneLine(error)}`;
    }
  },
);
