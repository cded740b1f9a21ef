import { defineConfig } from 'vite';

const ENTRY = 'src/main.jsx';

export default defineConfig({
  // Relative addresses: the gateway decides where the folder is mounted.
  base: './',
  build: {
    outDir: '../gateway/http/graphiql/static',
    emptyOutDir: true,
    // One style sheet, so that the page can link it by a fixed name.
    cssCodeSplit: false,
    // The editor alone is larger than Vite's limit; it comes from our own origin and is cached for good.
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      input: ENTRY,
      // 'use client' and its like, which React libraries carry, mean nothing in a bundle for the browser.
      checks: { moduleLevelDirective: false },
      output: {
        // Fixed names for what the page links; a hash for what only the bundle itself names.
        entryFileNames: 'graphiql.js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: ({ names }) =>
          names.some((name) => name.endsWith('.css')) ? 'graphiql.css' : 'assets/[name]-[hash][extname]',
      },
    },
  },
  worker: {
    // Module workers may share chunks; the policy's worker-src 'self' rules out blob: workers.
    format: 'es',
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
      },
    },
  },
});
