/**
 * Karla's Search Orders, mapped to the schema. Times stay the text that Karla writes. With CACHED=1 mapped orders are
 * kept in the process; every server here is given the same client and the same cache.
 */
import { Pool } from 'undici';

const COPIES_LIVE_MS = 3600 * 1000;
const PATH = '/v1/shops/bench/orders';
const HEADERS = { authorization: `Basic ${Buffer.from('bench:none').toString('base64')}` };

const pool = new Pool(process.env.UPSTREAM);

const STATUS_BY_PHASE = {
  order_created: 'PENDING',
  order_processed: 'INFO_RECEIVED',
  in_transit: 'IN_TRANSIT',
  in_delivery: 'OUT_FOR_DELIVERY',
  delivered: 'DELIVERED',
};

export const findOrder = kept(async (number) => {
  const orders = await search({ order_number: number, page: 1, per_page: 10 });
  const found = orders.find((order) => order.order_number === number);
  return found ? toOrder(found) : null;
});

export const searchOrders = kept(async (first, placedFrom) => {
  const filter = placedFrom ? { order_placed_from: placedFrom } : {};
  return (await search({ ...filter, page: 1, per_page: first })).map(toOrder);
});

async function search(parameters) {
  const query = new URLSearchParams(parameters);
  const { statusCode, body } = await pool.request({ path: `${PATH}?${query}`, method: 'GET', headers: HEADERS });
  if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  return body.json();
}

/** `load` as it is, or with its answers kept by its arguments. */
function kept(load) {
  if (process.env.CACHED !== '1') return load;
  const copies = new Map();
  return async (...names) => {
    const key = names.join(' ');
    const copy = copies.get(key);
    if (copy && copy.until > Date.now()) return copy.value;
    const value = await load(...names);
    copies.set(key, { value, until: Date.now() + COPIES_LIVE_MS });
    return value;
  };
}

const toOrder = (order) => ({
  orderNumber: order.order_number,
  orderName: order.order_name,
  placedAt: order.order_placed_at,
  currency: order.currency,
  merchantSlug: order.merchant_slug,
  statusUrl: order.order_status_url,
  expectedShipments: order.expected_number_of_shipments,
  weightGrams: order.weight,
  totalPrice: { amount: String(order.total_order_price), currency: order.currency },
  trackings: order.trackings.map(toTracking),
});

/** A parcel; its status is that of its newest event, which stands first. */
const toTracking = (tracking) => ({
  trackingNumber: tracking.carrier.tracking_number,
  trackingUrl: tracking.carrier.tracking_url,
  status: toStatus(tracking.events[0]),
  providerStatus: tracking.events[0].phase,
  carrier: { reference: tracking.carrier.carrier_reference },
  estimatedArrival: tracking.estimated_arrival && {
    from: tracking.estimated_arrival.from,
    to: tracking.estimated_arrival.to,
    prediction: tracking.estimated_arrival.time_prediction,
  },
  events: tracking.events.map(toEvent),
});

const toEvent = (event) => ({
  occurredAt: event.time,
  status: toStatus(event),
  name: event.event_name,
  location: event.location && {
    city: event.location.city,
    country: event.location.country,
    countryCode: event.location.country_code,
  },
});

const toStatus = (event) => STATUS_BY_PHASE[event.phase] ?? 'UNKNOWN';
