"""The policy of a small shop at the corner, which many tests are about. Imports nothing, so that the core's may have it."""

POLICY = """
avow: 1
site: corner
version: 2026-01-01
controller: {name: Corner Shop, contact: {email: privacy@corner.example}}
categories:
  name: {is: Name}
  email: {is: EmailAddress, look-up: true, channel: mail}
  postal-address: {is: PhysicalAddress, channel: post}
  phone: {is: TelephoneNumber, channel: phone}
  entry: {is: Communication}
  visit-code: {is: UID}
purposes:
  order: {is: FulfilmentOfContractualObligation, says: to fill your order}
  news: {is: DirectMarketing, says: to send news}
  contest: {is: Marketing, says: to run the contest}
  credit: {is: MemberPartnerManagement, says: to credit a sale}
  marketing: {is: Marketing, says: to advertise}
requests:
  order: {serves: [order]}
recipients:
  courier:
    is: processor
    says: Courier
    policy: "https://courier.example/privacy"
    contract: {from: 2020-01-01, to: 2027-01-01}
roles:
  fulfilment: {}
  marketing: {}
forms:
  order: {opens: order}
  contest: {}
  click: {}
promises:
- id: C-1
  says: An order asks for name, e-mail and address, and a phone number if you like.
  source: {section: Orders, sentence: 1}
  collect: {form: order, asks: [name, email, postal-address], optional: [phone], for: [order]}
  use: {categories: [name, email, postal-address, phone], for: [order], by: [fulfilment, site], needs: [request]}
  contact: {through: [mail, post, phone], for: [order], by: [site, fulfilment], needs: [request]}
- id: C-2
  says: News comes only to who agreed to it.
  source: {section: News, sentence: 1}
  choose: {for: [news], form: order}
  contact: {through: [mail], for: [news], needs: [consent]}
- id: C-3
  says: Nobody else gets your data without your word; the courier gets your address.
  source: {section: Sharing, sentence: 1}
  never: {do: [share, sell], with: [third-party, list-broker, authority, fraud-prevention, public], unless: [consent]}
  choose: {with: [third-party], categories: [email]}
  share:
  - {categories: [postal-address], with: [courier], for: [order], needs: [request]}
  - {categories: [email], with: [third-party], for: [marketing], needs: [consent]}
- id: C-4
  says: Contest entries go when the winner has been told.
  source: {section: Contest, sentence: 1}
  collect: {form: contest, asks: [entry, email], for: [contest]}
  use: {categories: [entry], for: [contest], by: [site]}
  keep: {forms: [contest], until: winner-told}
- id: C-5
  says: A click counts for 30 days.
  source: {section: Clicks, sentence: 1}
  collect: {form: click, asks: [visit-code], for: [credit]}
  use: {categories: [visit-code], for: [credit], by: [site]}
  keep: {categories: [visit-code], for: "30 days"}
- id: C-6
  says: You may see, correct and erase what we hold, and stop our mail.
  source: {section: Rights, sentence: 1}
  right: {to: [access, correct, erase, opt-out], through: [mail, centre]}
- id: C-7
  says: Nothing else.
  source: {section: Rights, sentence: 2}
  never: otherwise
"""
