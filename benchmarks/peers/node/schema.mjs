/** The part of the gateway's schema that the peers share, and its resolvers over Karla's Search Orders. */
import { findOrder, searchOrders } from './upstream.mjs';

export const typeDefs = /* GraphQL */ `
  scalar DateTime
  scalar Decimal
  scalar URL

  enum TrackingStatus { UNKNOWN PENDING INFO_RECEIVED IN_TRANSIT OUT_FOR_DELIVERY DELIVERED }

  type Money { amount: Decimal! currency: String }
  type Carrier { reference: String }
  type Location { city: String country: String countryCode: String }
  type TrackingEvent { occurredAt: DateTime status: TrackingStatus! name: String location: Location }
  type EstimatedArrival { from: DateTime to: DateTime prediction: String }

  type Tracking {
    trackingNumber: String
    trackingUrl: URL
    status: TrackingStatus!
    providerStatus: String
    carrier: Carrier
    estimatedArrival: EstimatedArrival
    events: [TrackingEvent!]!
  }

  type Order {
    orderNumber: String
    orderName: String
    placedAt: DateTime
    currency: String
    merchantSlug: String
    statusUrl: URL
    expectedShipments: Int
    weightGrams: Float
    totalPrice: Money
    trackings: [Tracking!]
  }

  type OrderConnection { nodes: [Order!]! }

  input OrderBy { orderNumber: String! }
  input OrderFilter { placedFrom: DateTime }

  type Query {
    order(by: OrderBy!): Order
    orders(filter: OrderFilter, first: Int = 30): OrderConnection
  }
`;

export const resolvers = {
  Query: {
    order: (_root, { by }) => findOrder(by.orderNumber),
    orders: async (_root, { filter, first }) => ({ nodes: await searchOrders(first, filter?.placedFrom) }),
  },
};
