@sec
Feature: Secrecy and abuse

  What strangers may learn from answers, and what hostile text may do.

  @sec-001 @must @guide @calcom
  Rule: A receiver MUST NOT evaluate what people write.

    Source: guide, "Best Practices" 6 ("Don't trust webhook data blindly"); RFC 9110 section 17.4
    Why: whoever can book a meeting would run code in the receiver.
    Fix: hand people's text to templates, shells and queries as values, never as part of the source.

    @needs-probe
    Scenario Outline: A title with <text> is no formula
      Given a BOOKING_CREATED delivery
      And its title holds <text>
      When Cal.com delivers it
      Then it has its effect once
      And its appointment shows nothing that was evaluated

      Examples:
        | text                    |
        | a sum in double braces  |
        | a sum after a dollar    |
        | a sum in a server tag   |
        | a sum after a hash      |
        | a sum as a query        |
        | a sum for a shell       |

  @sec-002 @should @guide @calcom
  Rule: A receiver SHOULD keep hostile text as it was written.

    Source: guide, "Best Practices" 6; RFC 8259 section 7; Cal.com sendPayload.ts
    Why: what is escaped on the way in is wrong in every mail and calendar that shows it later.
    Fix: store what people wrote, and escape where it is shown, for the place where it is shown.

    @needs-probe
    Scenario Outline: A title with <text> is kept to the letter
      Given a BOOKING_CREATED delivery
      And its title holds <text>
      When Cal.com delivers it
      Then it has its effect once
      And its appointment carries that title

      Examples:
        | text                      |
        | markup                    |
        | entities                  |
        | quotes of SQL             |
        | a formula                 |
        | a shell command           |
        | escape codes              |
        | a path out of the folder  |
        | a placeholder of a logger |
        | emoji                     |
        | letters of many scripts   |
        | combining accents         |
        | right-to-left marks       |
        | text beyond the BMP       |

    @needs-probe
    Example: A title whose characters the network cuts is kept to the letter
      Given a BOOKING_CREATED delivery
      And its title holds emoji
      When Cal.com delivers it in two segments cut inside a character
      Then it has its effect once
      And its appointment carries that title

  @sec-003 @must @guide @calcom
  Rule: A receiver MUST NOT show its insides in an answer.

    Source: RFC 9110 section 17.12; guide, "Security Best Practices" 5 (failures go to the log)
    Why: stacks, paths and statements tell a stranger what to try next.
    Fix: switch debug pages off, answer in a few fixed words, and log the rest.

    Scenario Outline: The answer to a signature that is <signature> tells nothing of the program
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the answer shows nothing of the receiver's insides

      Examples:
        | signature                  |
        | absent                     |
        | 64 random hex digits       |
        | 64 characters beyond ASCII |
        | nosuch= and the right digest |

    Scenario Outline: The answer to a signed body that is <nonsense> tells nothing of the program
      Given a BOOKING_CREATED delivery
      But its body is <nonsense>
      When Cal.com delivers it
      Then the answer shows nothing of the receiver's insides

      Examples:
        | nonsense                 |
        | cut in the middle        |
        | bytes that are not UTF-8 |
        | the literal null         |
        | 100000 nested arrays     |

    Scenario Outline: The answer to a signed payload with <fault> tells nothing of the program
      Given a BOOKING_CREATED delivery
      But its payload has <fault>
      When Cal.com delivers it
      Then the answer shows nothing of the receiver's insides

      Examples:
        | fault                 |
        | a number as startTime |
        | a list as uid         |

    Example: The answer to another method tells nothing of the program
      Given a BOOKING_CREATED delivery
      But it is sent with the method PUT
      When Cal.com delivers it
      Then the answer shows nothing of the receiver's insides

    Example: An ordinary delivery is acknowledged without telling anything
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the answer shows nothing of the receiver's insides

  @sec-004 @hardening @guide @calcom
  Rule: A receiver SHOULD answer all wrong signatures in the same words.

    Source: RFC 9110 section 17.16; guide, "Signature Verification" (one text for all of them)
    Why: words that differ tell a forger how far he has come.
    Fix: answer "Invalid signature" whatever is wrong with it.

    Scenario Outline: A signature that is <signature> is answered like any other wrong one
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the answer is word for word that to any wrong signature

      Examples:
        | signature                      |
        | right but for its last digit   |
        | 65 digits                      |
        | 64 times the letter z          |
        | sha1= and the HMAC-SHA1        |

    Example: A right signature is answered otherwise
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sec-005 @must @guide @calcom
  Rule: A receiver MUST NOT send markup of strangers back as markup.

    Source: RFC 9110 section 17.4 (injection); guide, "Best Practices" 6
    Why: a page that posts to the receiver makes a browser run what the stranger wrote there.
    Fix: repeat nothing of a request in an answer, and answer in JSON or plain text.

    Scenario Outline: Markup of a stranger <where> does not come back
      Given a BOOKING_CREATED delivery
      But markup of a stranger stands <where>
      When Cal.com delivers it
      Then the answer does not show the markup to a browser

      Examples:
        | where                |
        | in its signature     |
        | in its body          |
        | in its trigger event |
        | in its query         |

    Example: A delivery without markup goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sec-006 @should @guide @calcom
  Rule: A receiver SHOULD NOT fetch an address because a stranger wrote it.

    Source: guide, "Best Practices" 6; RFC 9110 section 17.4
    Why: whoever can book a meeting would reach what only the receiver's network can reach.
    Fix: keep addresses as text; what shows previews of links runs elsewhere, and asks first.

    Example: An address in the notes of a booking is not asked for
      Given a BOOKING_CREATED delivery
      And its notes name an address of ours
      When Cal.com delivers it
      Then nobody asks for our address

    Example: An address in a forged delivery is not asked for
      Given a BOOKING_CREATED delivery
      And its notes name an address of ours
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then nobody asks for our address

    Example: A booking that names an address is taken
      Given a BOOKING_CREATED delivery
      And its notes name an address of ours
      When Cal.com delivers it
      Then the receiver acknowledges it

  @sec-007 @hardening @guide @calcom
  Rule: A receiver SHOULD NOT tell strangers the version of its software.

    Source: RFC 9110 sections 10.2.4 and 17.12
    Why: a version is looked up in a list of its weaknesses.
    Fix: switch off Server and X-Powered-By, or their versions.

    Scenario Outline: The answer to a <what> tells no version
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the answer tells no version

      Examples:
        | what                 | signature            |
        | missing signature    | absent               |
        | wrong signature      | 64 random hex digits |

    Example: An acknowledgement tells no version
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the answer tells no version

  @sec-008 @hardening @guide @calcom
  Rule: A receiver SHOULD NOT begin a session with the sender.

    Source: Cal.com sendPayload.ts (keeps no cookies); RFC 6265 section 8.6
    Why: every delivery would leave a session in the store that nobody comes back to.
    Fix: leave the session middleware off the receiver's route.

    Example: A forged delivery is given no cookie
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the answer sets no cookie

    Example: An ordinary delivery is given no cookie
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the answer sets no cookie

  @sec-009 @hardening @guide @calcom
  Rule: A receiver SHOULD take names that mean something to its language for mere names.

    Source: RFC 8259 section 4 (a name is a string); Cal.com sendPayload.ts (forms name their fields)
    Why: a form field called constructor or __proto__ changes how a whole program behaves.
    Fix: parse into maps, and copy the fields that you need rather than all there are.

    Scenario Outline: A payload with a member called <name> breaks nothing
      Given a BOOKING_CREATED delivery
      But its payload has a member called <name>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | name           |
        | __proto__      |
        | constructor    |
        | toString       |
        | __class__      |
        | $where         |

    @needs-probe
    Example: A booking after such a payload has its effect
      Given a BOOKING_CREATED delivery
      But its payload has a member called __proto__
      When Cal.com delivers it
      And Cal.com delivers a sound one after it
      Then the one after it has its effect once

    Example: A payload of ordinary names goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
