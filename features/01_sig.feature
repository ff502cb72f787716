@sig
Feature: Authenticity

  Anyone can learn a subscriber URL.  Only the holder of the secret can sign.

  @sig-001 @must @guide @calcom
  Rule: A receiver MUST refuse a delivery that carries no signature.

    Source: guide, "Signature Verification"
    Why: an endpoint that believes unsigned bodies lets anyone on the internet book and cancel.
    Fix: answer 4xx when the signature header is absent or empty, before reading anything else.

    Scenario Outline: A delivery with a signature that is <signature> is turned away
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature |
        | absent    |
        | empty     |
        | a blank   |

    Example: A PING without a signature is turned away
      Given a PING delivery
      But its signature is absent
      When Cal.com delivers it
      Then the receiver refuses it

    Scenario Outline: A body that is <body>, without a signature, is turned away
      Given a BOOKING_CREATED delivery
      But its body is <body>
      And its signature is absent
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | body                |
        | empty               |
        | an empty object     |
        | an empty list       |
        | a list of no events |

    Example: A signed delivery goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-002 @must @guide @calcom
  Rule: A receiver MUST refuse the literal "no-secret-provided" in place of a signature.

    Source: Cal.com packages/features/webhooks/lib/sendPayload.ts; guide, "Security Best Practices" 1
    Why: Cal.com sends these words when a subscription has no secret, and anyone can send them too.
    Fix: treat the literal like any other wrong signature.

    Scenario Outline: A <trigger> delivery of a subscription without a secret is turned away
      Given a <trigger> delivery
      But its signature is the literal no-secret-provided
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | trigger           |
        | BOOKING_CREATED   |
        | BOOKING_CANCELLED |
        | PING              |

    Example: The same subscription with its secret goes through
      Given a BOOKING_CANCELLED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-003 @must @guide @calcom
  Rule: A receiver MUST refuse a signature made with another key.

    Source: guide, "Signature Verification"
    Why: a digest proves nothing unless it was made with the shared secret; empty, default and
      stringified-null keys are what a missing setting turns into.
    Fix: compute the HMAC with the configured secret only, and refuse to start without one.

    Scenario Outline: A delivery signed with <key> is turned away
      Given a BOOKING_CREATED delivery
      But it is signed with <key>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | key                            |
        | another secret                 |
        | the empty key                  |
        | the key "undefined"            |
        | the key "null"                 |
        | the key "None"                 |
        | the key "changeme"             |
        | the key "not-provided"         |
        | the key "no-secret-provided"   |
        | the guide's sample key         |
        | the secret and a line feed     |
        | the secret in the other case   |
        | the secret without its last letter |

    Example: A delivery signed with the shared secret goes through
      Given a BOOKING_RESCHEDULED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-004 @must @guide @calcom
  Rule: A receiver MUST refuse a signature that is well formed but was not made from this body.

    Source: guide, "Signature Verification"
    Why: a receiver that only looks at the presence or the shape of a signature verifies nothing.
    Fix: compare the signature with the HMAC of the bytes that arrived.

    Scenario Outline: A signature that is <signature> does not fit this body
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature                          |
        | 64 random hex digits               |
        | 64 zeros                           |
        | the digest of another body         |
        | the digest of no body              |
        | the plain SHA-256 of the body      |
        | the digest of the body and a line feed |
        | the digest of the body and the secret |
        | the digest of the body in base64 |
        | the digest with key and body swapped |
        | the SHA-256 of the secret and the body |
        | the SHA-256 of the body and the secret |
        | the digest of the body's SHA-256 |
        | the digest of the digest |
        | the digest of the digest in hex |

    Example: The digest of this body goes through
      Given a BOOKING_REJECTED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-005 @must @guide @calcom
  Rule: A receiver MUST refuse the secret itself in place of a signature.

    Source: guide, "Signature Verification"
    Why: comparing the header with the secret puts the secret on the wire with every delivery.
    Fix: compare with the HMAC of the body, never with the secret.

    Scenario Outline: A signature that is <signature> does not open the door
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature                      |
        | the secret itself              |
        | sha256= and the secret         |
        | Bearer and the secret          |
        | the secret in base64           |

    Example: A signature made with the secret goes through
      Given a BOOKING_REQUESTED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-006 @must @guide @calcom
  Rule: A receiver MUST refuse a near miss of the right signature.

    Source: RFC 2104 section 5; guide, "Signature Verification"
    Why: a comparison of prefixes, or a hex decoder that stops at the first bad digit, makes a
      forgery cheaper with every digit it forgives.
    Fix: compare the whole value, in constant time, without decoding it first.

    Scenario Outline: A signature that is <signature> misses
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature                               |
        | right but for its first digit           |
        | right but for its last digit            |
        | right but cut to 63 digits              |
        | right but cut to 32 digits              |
        | right but cut to 8 digits               |
        | right but followed by zz                |
        | right but followed by 00                |
        | right but twice in a row                |
        | right but reversed                      |
        | right but for one bit in its middle |
        | right in its first half alone |
        | right in its last half alone |
        | the digest shifted by one digit |
        | right but without its first digit |
        | right but preceded by 00 |
        | the digest with every digit turned over |

    Example: The right signature in full goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-007 @must @guide @calcom
  Rule: A receiver MUST refuse a malformed signature without failing.

    Source: RFC 9110 section 15.6; guide, "Signature Verification Failures"
    Why: constant-time comparisons throw on other lengths, other types and non-ASCII text; a 500
      makes the sender come again and can take the process down.
    Fix: compare bytes, after a check of the length if the comparison needs one.

    Scenario Outline: A signature that is <signature> breaks nothing
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature                      |
        | one digit                      |
        | 65 digits                      |
        | 8000 digits                    |
        | 64 times the letter z          |
        | 64 characters beyond ASCII     |
        | 64 bytes that are not UTF-8    |
        | sha256= and nothing            |
        | only commas and equals signs   |
        | the digest in full-width digits |
        | the digest around a zero-width space |
        | percent signs without digits |
        | two wrong digests and a comma |
        | a time and a wrong digest |
        | an object in JSON |

    Example: A well-formed right signature goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-008 @must @guide @calcom
  Rule: A receiver MUST NOT take the algorithm from the delivery.

    Source: Cal.com sendPayload.ts (HMAC-SHA256 and nothing else); guide, "Signature Verification"
    Why: whoever may name the algorithm names the weakest one, or one that does not exist.
    Fix: use HMAC-SHA256 always.

    Scenario Outline: A signature that is <signature> is of the wrong kind
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature                          |
        | an HMAC-SHA1                       |
        | an HMAC-MD5                        |
        | an HMAC-SHA512                     |
        | sha1= and the HMAC-SHA1            |
        | md5= and the HMAC-MD5              |
        | sha512= and the HMAC-SHA512        |
        | none= and nothing                  |
        | nosuch= and the right digest       |
        | an HMAC-SHA224 |
        | an HMAC-SHA384 |
        | an HMAC-SHA512 cut to 64 digits |
        | an HMAC-SHA3-256 |
        | an HMAC-BLAKE2s |
        | sha256= and the HMAC-SHA3-256 |
        | sha256= and the HMAC-SHA1 |

    Example: An HMAC-SHA256 goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-009 @must @guide @calcom
  Rule: A receiver MUST refuse a delivery whose body was changed after it was signed.

    Source: guide, "Signature Verification"
    Why: a changed body under an old signature is the cheapest forgery there is.
    Fix: compute the HMAC over every byte that arrived.

    Scenario Outline: A body in which <change> after signing is turned away
      Given a BOOKING_CREATED delivery
      But in its body <change> after signing
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | change                            |
        | the trigger became another        |
        | the start moved by an hour        |
        | one letter of the uid changed     |
        | the last byte before the end changed |
        | a space was added at the end      |
        | a space was added after a colon   |
        | a key was added                   |
        | a repeated key was added          |
        | everything was replaced by another body |
        | everything was removed            |
        | the first byte changed |
        | the last byte changed |
        | the last byte was cut off |
        | one byte was added at the end |
        | a space was added at the beginning |
        | a byte order mark was put before it |
        | one digit of createdAt changed |
        | one digit of the end changed |
        | one letter of the organizer's name changed |
        | one letter of an address changed |
        | one letter of the metadata changed |
        | one digit of a number changed |
        | one letter of a key changed |
        | one letter became an escape |
        | two letters of the title traded places |

    Example: A signature that was right once does not cover another body
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      But in its body the start moved by an hour after signing
      And Cal.com redelivers it
      Then the receiver refuses it

    Example: The same body, untouched, goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-010 @must @guide @calcom
  Rule: A receiver MUST verify the signature over the raw bytes of the body.

    Source: guide, "Signature Verification"; Cal.com sendPayload.ts, createWebhookSignature
    Why: parsers and serialisers change numbers, escapes and key order; a re-dump breaks honest
      deliveries and blesses changed ones, and so does text: bytes that are none all decode to U+FFFD.
    Fix: keep the body as bytes until the signature is verified; parse afterwards.

    Scenario Outline: A body written <spelling> goes through
      Given a BOOKING_CREATED delivery
      And its body is written <spelling>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | spelling                       |
        | compactly                      |
        | with a space after each colon  |
        | on many indented lines         |
        | with every key in another order |
        | with \u escapes                |
        | with \/ escapes                |
        | with numbers such as 1.0       |
        | with integer-like keys last    |
        | with emoji and U+2028          |
        | with CRLF line ends            |
        | with tabs |
        | with white space around every token |
        | behind ten thousand spaces |
        | behind a line feed |
        | before a line feed |
        | before spaces and tabs |
        | with \u escapes in upper case |
        | with escapes for plain letters |
        | with escapes in its keys |
        | with numbers such as 1e0 and -0 |
        | with emoji as escaped surrogates |
        | with text beyond the BMP |
        | with U+2028 as an escape |
        | with escaped control characters |
        | with names in composed letters |
        | with names in combined letters |
        | with U+FFFD |
        | with its trigger event last |

    Scenario Outline: A body written <spelling> but signed as a parser would write it again is turned away
      Given a BOOKING_CREATED delivery
      And its body is written <spelling>
      But it is signed over the compact form of its body
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | spelling                       |
        | on many indented lines         |
        | with \u escapes                |

    Example: A body in which U+FFFD became a byte that is no text is turned away
      Given a BOOKING_CREATED delivery
      And its body is written with U+FFFD
      But in its body U+FFFD became a byte that is no text after signing
      When Cal.com delivers it
      Then the receiver refuses it

  @sig-011 @must @guide
  Rule: A receiver MUST accept the signature in each of the guide's four headers.

    Source: guide, "Signature Verification" ("multiple possible headers")
    Why: proxies and older senders use other spellings of the header.
    Fix: look for X-Cal-Signature-256, Cal-Signature-256, X-Cal-Signature and Cal-Signature.

    Scenario Outline: A right signature in <header> goes through
      Given a BOOKING_CREATED delivery
      And its signature stands in the header <header> alone
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | header              |
        | X-Cal-Signature-256 |
        | Cal-Signature-256   |
        | X-Cal-Signature     |
        | Cal-Signature       |

    Scenario Outline: A wrong signature in <header> is turned away
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      And its signature stands in the header <header> alone
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | header              |
        | Cal-Signature-256   |
        | X-Cal-Signature     |
        | Cal-Signature       |

  @sig-012 @must @guide
  Rule: A receiver MUST let the first of the four headers that is present decide.

    Source: guide, "Signature Verification" (the chain of ??)
    Why: falling through to the next header after a mismatch lets whoever can add a header choose
      which one counts.
    Fix: take the first header that is present, in the guide's order, and no other.

    Scenario Outline: A wrong <first> before a right <second> is turned away
      Given a BOOKING_CREATED delivery
      But it carries a wrong <first> and a right <second>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | first               | second            |
        | X-Cal-Signature-256 | Cal-Signature-256 |
        | X-Cal-Signature-256 | Cal-Signature     |
        | Cal-Signature-256   | X-Cal-Signature   |
        | X-Cal-Signature     | Cal-Signature     |

    Scenario Outline: A right <first> before a wrong <second> goes through
      Given a BOOKING_CREATED delivery
      And it carries a right <first> and a wrong <second>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | first               | second            |
        | X-Cal-Signature-256 | Cal-Signature-256 |
        | Cal-Signature-256   | Cal-Signature     |
        | X-Cal-Signature     | Cal-Signature     |

    Scenario Outline: Four headers that hold <values> are turned away
      Given a BOOKING_CREATED delivery
      But the guide's four headers hold <values>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | values                       |
        | wrong, right, right, right   |
        | absent, wrong, right, right  |
        | absent, absent, wrong, right |
        | wrong, prefixed, empty, right |

    Scenario Outline: Four headers that hold <values> go through
      Given a BOOKING_CREATED delivery
      And the guide's four headers hold <values>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | values                       |
        | right, right, right, right   |
        | right, wrong, wrong, wrong   |
        | absent, right, wrong, wrong  |
        | right, empty, empty, empty   |

  @sig-013 @must @guide
  Rule: A receiver MUST accept the guide's four forms of a signature.

    Source: guide, "Signature Verification" ("Calculate expected signatures")
    Why: some senders prefix the algorithm, and some sign the body without the line end that a
      tool added to it.
    Fix: accept the bare digest and sha256= before it, of the body as it is and of the body
      without trailing CR and LF.

    Scenario Outline: A signature that is <form> goes through where the body ends in <tail>
      Given a BOOKING_CREATED delivery
      And its body ends in <tail>
      And its signature is <form>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | tail     | form                                            |
        | nothing  | the bare digest                                 |
        | nothing  | sha256= and the digest                          |
        | LF       | the bare digest                                 |
        | LF       | the digest of the body without its line end     |
        | CRLF     | the digest of the body without its line end     |
        | CRLF     | sha256= and the digest of the body without its line end |
        | LF LF    | the digest of the body without its line end     |

    Scenario Outline: Under <form> of another body nothing goes through
      Given a BOOKING_CREATED delivery
      But its signature is <form> of another body
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | form                   |
        | the bare digest        |
        | sha256= and the digest |

  @sig-014 @must @guide
  Rule: A receiver MUST refuse every form of a signature other than the guide's four.

    Source: guide, "Signature Verification" (strict in_array over four values)
    Why: each further form is another way to be fooled, and none is ever sent.
    Fix: compare with the four expected values and nothing else.

    Scenario Outline: A signature that is <form> is turned away
      Given a BOOKING_CREATED delivery
      But its signature is <form>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | form                              |
        | the digest in upper case          |
        | the digest in base64              |
        | SHA256= and the digest            |
        | sha256: and the digest            |
        | sha256=sha256= and the digest     |
        | v1, and the digest                |
        | the digest in quotes              |
        | the digest with its other letters in upper case |
        | the digest in URL-safe base64 |
        | the digest in base32 |
        | the digest percent-encoded |
        | the digest in pairs with colons |
        | the digest in pairs with spaces |
        | the digest with a tab in its middle |
        | the digest with a space in its middle |
        | the digest in single quotes |
        | the digest in angle brackets |
        | the digest and a comma |
        | the digest and a semicolon |
        | the digest and a backslash n |
        | the digest and %0A |
        | the digest and %00 |
        | 0x and the digest |
        | the digest twice and a comma |
        | a time and the digest |
        | v1= and the digest |
        | sha-256= and the digest |
        | hmac-sha256= and the digest |
        | sha256 and the digest |
        | sha256=, a space and the digest |
        | Bearer and the digest |
        | = and the digest |

    Example: One of the four forms goes through
      Given a BOOKING_CREATED delivery
      And its signature is the bare digest
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-015 @must @guide @calcom
  Rule: A receiver MUST find the signature whatever the case of its header's name.

    Source: RFC 9110 section 5.1
    Why: header names have no case; HTTP/2 and many proxies send them in lower case.
    Fix: look the header up without regard to case.

    Scenario Outline: A signature under <name> goes through
      Given a BOOKING_CREATED delivery
      And the name of its signature header is written <name>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | name                |
        | x-cal-signature-256 |
        | X-CAL-SIGNATURE-256 |
        | X-Cal-Signature-256 |
        | x-Cal-sIGNATURE-256 |

    Example: A wrong signature under a lower-case name is turned away
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      And the name of its signature header is written x-cal-signature-256
      When Cal.com delivers it
      Then the receiver refuses it

  @sig-016 @must @guide @calcom
  Rule: A receiver MUST verify the signature before it interprets the body.

    Source: guide, "Register Webhook Routes" (the middleware runs before the controller)
    Why: whatever runs before verification is open to anyone: parsers, validators, databases.
    Fix: answer a bad signature alike, whatever the body holds.

    Scenario Outline: An unsigned body that is <nonsense> is answered like any unsigned delivery
      Given a BOOKING_CREATED delivery
      But its body is <nonsense>
      And its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver answers as it answers a wrong signature

      Examples:
        | nonsense               |
        | cut in the middle      |
        | empty                  |
        | plain text             |
        | the number 1           |
        | bytes that are not UTF-8 |
        | 500 nested arrays      |
        | an envelope without payload |
        | an empty object        |
        | an empty list          |
        | a list of no events    |

    Example: The delivery with its own body and signature goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-017 @must @guide @calcom
  Rule: A receiver MUST NOT act on a delivery that it refuses.

    Source: guide, "Register Webhook Routes" (the middleware ends the request)
    Why: a refusal after the harm is done is only polite.
    Fix: verify first; store and act afterwards.

    @needs-probe
    Scenario Outline: A delivery whose signature is <signature> leaves no trace
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then it has no effect

      Examples:
        | signature                         |
        | absent                            |
        | the literal no-secret-provided    |
        | 64 random hex digits              |
        | right but followed by zz          |

    @needs-probe
    Example: A cancellation changed after signing leaves the booking alone
      Given a booking that the receiver knows
      And a cancellation of it
      But its signature is the digest of another body
      When Cal.com delivers it
      Then the booking is live once at the time of "created"

    @needs-probe
    Example: The right signature has its effect
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has its effect once

  @sig-018 @must @guide @calcom
  Rule: A receiver MUST NOT give away the secret or the expected signature in an answer.

    Source: guide, "Signature Verification" (what it logs as expected stays out of the answer)
    Why: an answer that shows the expected signature signs the next forgery.
    Fix: answer a refusal with fixed words.

    Scenario Outline: The answer to a signature that is <signature> gives nothing away
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the answer gives away neither the secret nor the expected signature

      Examples:
        | signature                |
        | absent                   |
        | 64 random hex digits     |
        | 65 digits                |
        | sha256= and nothing      |

    Example: The answer to a right signature gives nothing away
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the answer gives away neither the secret nor the expected signature

  @sig-019 @must @guide @calcom
  Rule: A receiver MUST NOT fail on a signature header that comes more than once.

    Source: RFC 9110 section 5.3; guide, "Signature Verification"
    Why: frameworks give a repeated header as a list, as joined text, or as its first or last
      value; code that expects one text throws on the others, and a 500 invites the sender again.
    Fix: take the header's value for what it is, and answer 4xx to whatever is not one signature.

    Scenario Outline: A signature header that comes twice, <one> and then <two>, breaks nothing
      Given a BOOKING_CREATED delivery
      And its signature header comes twice, <one> and then <two>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | one   | two   |
        | right | right |
        | right | wrong |
        | wrong | right |
        | right | empty |
        | empty | right |

    Example: Two wrong signatures are turned away
      Given a BOOKING_CREATED delivery
      But its signature header comes twice, wrong and then wrong
      When Cal.com delivers it
      Then the receiver refuses it

    Example: One right signature in one header goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-020 @hardening @guide @calcom
  Rule: A receiver SHOULD refuse a delivery whose signatures contradict each other.

    Source: RFC 9110 section 5.3; guide, "Signature Verification" (one value decides)
    Why: a proxy and a receiver that look at different values of one header believe different
      things of one delivery, and the one that is fooled is the one that acts.
    Fix: refuse a signature header with more than one value, unless all of them are alike.

    Scenario Outline: Two signatures that contradict each other, <one> and then <two>, are turned away
      Given a BOOKING_CREATED delivery
      But its signature header comes twice, <one> and then <two>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | one   | two   |
        | right | wrong |
        | wrong | right |

    Scenario Outline: A line with two signatures, <signature>, is turned away
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | signature                            |
        | the right and a wrong digest         |
        | a wrong and the right digest         |
        | the right and a wrong digest, spaced |
        | a wrong and the right digest, spaced |

    Example: A signature that nothing contradicts goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-021 @must @guide
  Rule: A receiver MUST take an empty first header for a missing signature.

    Source: guide, "Signature Verification" (the chain of ?? passes over null and not over "", and
      `if (!$signature)` refuses "")
    Why: falling through what is empty lets whoever can blank a header choose which one counts.
    Fix: refuse when the first of the four headers that is present is empty.

    Scenario Outline: Headers that hold <values> are no signature
      Given a BOOKING_CREATED delivery
      But the guide's four headers hold <values>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | values                       |
        | empty, right, absent, absent |
        | empty, right, right, right   |
        | empty, absent, absent, right |

    Example: A right first header and an empty second one go through
      Given a BOOKING_CREATED delivery
      And the guide's four headers hold right, empty, absent, absent
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-022 @must @guide
  Rule: A receiver MUST accept the prefixed form of a signature in each of the four headers.

    Source: guide, "Signature Verification" (the headers and the forms are independent)
    Why: a proxy that renames the header and prefixes the algorithm does both at once.
    Fix: compare with all four forms, whichever header the signature came in.

    Scenario Outline: A prefixed signature among <values> goes through
      Given a BOOKING_CREATED delivery
      And the guide's four headers hold <values>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | values                           |
        | prefixed, absent, absent, absent |
        | absent, prefixed, absent, absent |
        | absent, absent, prefixed, absent |
        | absent, absent, absent, prefixed |
        | absent, prefixed, wrong, wrong   |

    Scenario Outline: A wrong prefixed signature among <values> is turned away
      Given a BOOKING_CREATED delivery
      But the guide's four headers hold <values>
      When Cal.com delivers it
      Then the receiver refuses it

      Examples:
        | values                                     |
        | absent, prefixed and wrong, absent, absent |
        | absent, absent, absent, prefixed and wrong |

  @sig-023 @should @guide @calcom
  Rule: A receiver SHOULD have one effect of an occurrence, however its body is spelled.

    Source: guide, "Duplicate Event Processing"; RFC 8259 section 2
    Why: a sender that is upgraded between two attempts writes the same envelope in other bytes.
    Fix: make handlers idempotent by what happened, not by the bytes that told of it.

    @needs-probe
    Scenario Outline: A booking that is told of again, written <spelling>, happens once
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      And it has taken effect
      And Cal.com delivers it again, written <spelling>
      Then it has its effect once
      And no booking has two appointments

      Examples:
        | spelling                            |
        | on many indented lines              |
        | with every key in another order     |
        | with escapes in its keys            |
        | with white space around every token |

    @needs-probe
    Example: A booking that is told of once happens once
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has taken effect

  @sig-024 @must @guide @calcom
  Rule: A receiver MUST NOT fail on a byte order mark before the body.

    Source: RFC 8259 section 8.1 (parsers may ignore it or take it for an error); Cal.com
      sendPayload.ts (writes none)
    Why: some tools that replay deliveries put the mark there; a decoder that throws answers 500.
    Fix: verify the bytes with the mark, then ignore it or answer 4xx.

    Example: A body that starts with a byte order mark breaks nothing
      Given a BOOKING_CREATED delivery
      And its body is written behind a byte order mark
      When Cal.com delivers it
      Then the receiver answers without failing

    Example: A body without a byte order mark goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sig-025 @should @guide @calcom
  Rule: A receiver SHOULD compare signatures in a time that does not depend on what it compares.

    Source: guide, "Security Best Practices" 1; RFC 2104 section 5; Cal.com sends one digest for a
      body, so that a forger may try as many as there is time for
    Why: a comparison that stops at the first wrong digit tells a patient forger each right one.
    Fix: use hmac.compare_digest, crypto.timingSafeEqual, hash_equals or hmac.Equal.

    @disruptive @alone
    Example: A forgery with 63 right digits takes as long as one with none
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the time it takes to refuse it does not tell how much of its signature is right

    @disruptive
    Example: A signature in which every digit is right goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
