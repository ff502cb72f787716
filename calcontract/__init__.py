"""A conformance suite for receivers of Cal.com webhooks."""
