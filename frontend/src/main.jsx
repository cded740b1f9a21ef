/**
 * Mounts GraphiQL on the gateway's page.
 *
 * What it needs to know it reads from the page's `#graphiql-config` element, whose members are listed in
 * frontend/README.md. It knows no address, no schema and no example of its own.
 */
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';
import './workers.js';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import { createFetcher } from './fetcher.js';

const config = JSON.parse(document.getElementById('graphiql-config').textContent);

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={createFetcher(config.endpoint)}
    // Naming plugins replaces GraphiQL's own list, which holds the history alone.
    plugins={[HISTORY_PLUGIN, explorerPlugin()]}
    defaultTabs={config.defaultTabs}
    // Most examples take their order number from there.
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>{config.title}</GraphiQL.Logo>
  </GraphiQL>,
);
