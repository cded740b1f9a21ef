"""What must outlive the process: links, registered trackers and the index of tracking numbers.

One repository per noun. Nothing here knows GraphQL, HTTP or what a provider's API looks like.
"""
