/**
 * Tells Monaco where its workers are: files of this bundle, on the page's own origin.
 *
 * `graphiql/setup-workers/vite` does the same from inside a dependency, with the editor found there; here the
 * workers are those of the versions that package.json names.
 */
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker';

const WORKERS = { graphql: GraphQLWorker, json: JsonWorker };

globalThis.MonacoEnvironment = {
  getWorker: (_moduleId, label) => new (WORKERS[label] ?? EditorWorker)(),
};
