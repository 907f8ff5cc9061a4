// An Express server of the same 100 routes as the others, guarded by
// aws-jwt-verify as its README shows it for Express: node server.mjs
//
//   cpu    cpu NANOSECONDS, that this process has taken so far
import express from 'express';
import { CognitoJwtVerifier } from 'aws-jwt-verify';
import { about, talk } from './child.mjs';

function app({ id, clientID, keySet }) {
  const verifier = CognitoJwtVerifier.create({ userPoolId: id, tokenUse: 'access', clientId: clientID });
  verifier.cacheJwks(keySet);
  const app = express();
  app.use(async (req, res, next) => {
    try {
      const [scheme, token] = (req.headers.authorization ?? '').split(' ');
      if (scheme !== 'Bearer') throw new Error('no token');
      req.claims = await verifier.verify(token);
    } catch {
      res.status(401).end();
      return;
    }
    next();
  });
  const answer = (req, res) => res.status(204).end();
  // Express tries its routes one by one: the one that is asked for comes first.
  app.get('/me', answer);
  for (let i = 0; i < 99; i++) app.get(`/things${i}/:id`, answer);
  return app;
}

await talk(
  (place) =>
    new Promise((resolve, reject) => {
      const server = app(place).listen(0, '127.0.0.1', (error) => {
        if (error) reject(error);
        else resolve(`listening 127.0.0.1:${server.address().port} ${about('express', 'aws-jwt-verify')}`);
      });
    }),
  () => {
    const { user, system } = process.cpuUsage();
    return `cpu ${(user + system) * 1000}`;
  },
);
