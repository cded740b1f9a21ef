/**
 * Sends an operation as GraphQL over HTTP says: one POST, one JSON answer.
 *
 * GraphiQL's own fetcher also brings multipart and WebSocket clients, which the gateway does not speak.
 */
const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/**
 * @param {string} endpoint a path on the page's own origin
 * @returns a GraphiQL fetcher; it rejects with a sentence for a person when there is no GraphQL answer
 */
export function createFetcher(endpoint) {
  return async (operation, { headers } = {}) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { accept: ACCEPT, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(operation),
    });
    // An answer with status 4xx or 5xx is still a GraphQL answer, with `errors` to show.
    if (!/json/.test(response.headers.get('content-type') ?? '')) {
      throw new Error(`${endpoint} answered ${response.status} without JSON.`);
    }
    return response.json();
  };
}
