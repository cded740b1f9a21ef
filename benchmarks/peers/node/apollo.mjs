/** Apollo Server by itself, as its guide starts it; in production mode, which leaves out what is for development. */
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { resolvers, typeDefs } from './schema.mjs';

const server = new ApolloServer({ typeDefs, resolvers, nodeEnv: 'production' });
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
console.log(`listening at ${url.replace(/\/$/, '')}`);
