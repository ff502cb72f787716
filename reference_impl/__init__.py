"""
The reference receiver: a receiver of Cal.com webhooks that conforms.

The guide's receiver in Python: it verifies, stores durably, acknowledges, and does the work behind
the door, once per occurrence.  `reference_impl.receiver` describes the parts and their seams.
"""
