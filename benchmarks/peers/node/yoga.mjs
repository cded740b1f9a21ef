/** graphql-yoga on Node's own HTTP server. With ANSWERS=1 whole answers are kept by its response cache. */
import { createServer } from 'node:http';
import { useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { createSchema, createYoga } from 'graphql-yoga';
import { resolvers, typeDefs } from './schema.mjs';

const plugins = process.env.ANSWERS === '1' ? [useResponseCache({ session: () => null, ttl: 3600 * 1000 })] : [];
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false, plugins });
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => console.log(`listening at http://127.0.0.1:${server.address().port}`));
