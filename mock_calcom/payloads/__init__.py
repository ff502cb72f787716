"""
What Cal.com's handlers say about an occurrence: one module per family of triggers.

Everything here is pure and follows Cal.com's key order, because the bytes are signed.  `utcOffset`,
the description fallback and iCalendar texts are not made here but by the sender (`envelope`).
"""
