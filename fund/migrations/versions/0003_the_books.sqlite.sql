-- The tables of 0003 for SQLite, as they were laid down; never edited afterwards. Each statement ends with a line ";".
CREATE TABLE provider_comparison (
    id INTEGER NOT NULL,
    compared_at DATETIME NOT NULL,
    since DATETIME NOT NULL,
    seen_count INTEGER NOT NULL,
    missed_count INTEGER NOT NULL,
    CONSTRAINT pk_provider_comparison PRIMARY KEY (id)
)
;

CREATE TABLE provider_event (
    id INTEGER NOT NULL,
    provider_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    kind VARCHAR(40) NOT NULL,
    happened_at DATETIME NOT NULL,
    received_at DATETIME NOT NULL,
    found_by VARCHAR(40) NOT NULL,
    reference TEXT,
    payment TEXT,
    item TEXT,
    pence BIGINT,
    fee_pence BIGINT,
    arrives_on DATE,
    reason TEXT,
    settled_at DATETIME,
    outcome TEXT,
    CONSTRAINT pk_provider_event PRIMARY KEY (id),
    CONSTRAINT uq_provider_event_provider_id UNIQUE (provider_id),
    CONSTRAINT ck_provider_event_kind CHECK (kind IN ('completed', 'paid', 'failed', 'expired', 'taken_back', 'given_again', 'refunded', 'refund_failed', 'paid_out', 'payout_failed', 'other')),
    CONSTRAINT ck_provider_event_found_by CHECK (found_by IN ('webhook', 'comparison'))
)
;

CREATE INDEX ix_provider_event_open ON provider_event (settled_at, id)
;

CREATE TABLE payout (
    id INTEGER NOT NULL,
    item TEXT NOT NULL,
    pence BIGINT NOT NULL,
    arrives_on DATE NOT NULL,
    failed_at DATETIME,
    statement_line_id INTEGER,
    matched_at DATETIME,
    matched_by_id INTEGER,
    CONSTRAINT pk_payout PRIMARY KEY (id),
    CONSTRAINT uq_payout_item UNIQUE (item),
    CONSTRAINT uq_payout_statement_line_id UNIQUE (statement_line_id),
    CONSTRAINT fk_payout_statement_line_id FOREIGN KEY(statement_line_id) REFERENCES statement_line (id)
)
;

CREATE TABLE pledge_instalment (
    id INTEGER NOT NULL,
    pledge_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    reference TEXT NOT NULL,
    reference_key TEXT NOT NULL,
    due_on DATE NOT NULL,
    pence BIGINT NOT NULL,
    paid_pence BIGINT NOT NULL,
    written_off_pence BIGINT NOT NULL,
    invoiced_pence BIGINT NOT NULL,
    invoice_reference TEXT,
    reminded_days INTEGER,
    state VARCHAR(40) NOT NULL,
    CONSTRAINT pk_pledge_instalment PRIMARY KEY (id),
    CONSTRAINT uq_pledge_instalment_pledge_id_number UNIQUE (pledge_id, number),
    CONSTRAINT ck_pledge_instalment_promises_something CHECK (pence > 0),
    CONSTRAINT ck_pledge_instalment_paid_not_negative CHECK (paid_pence >= 0),
    CONSTRAINT ck_pledge_instalment_invoiced_not_negative CHECK (invoiced_pence >= 0),
    CONSTRAINT fk_pledge_instalment_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id),
    CONSTRAINT uq_pledge_instalment_reference UNIQUE (reference),
    CONSTRAINT uq_pledge_instalment_reference_key UNIQUE (reference_key),
    CONSTRAINT ck_pledge_instalment_state CHECK (state IN ('open', 'paid', 'written_off', 'cancelled'))
)
;

CREATE INDEX ix_pledge_instalment_due ON pledge_instalment (state, due_on)
;

CREATE TABLE card_checkout (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    pledge_id INTEGER NOT NULL,
    method VARCHAR(40) NOT NULL,
    pence BIGINT NOT NULL,
    state VARCHAR(40) NOT NULL,
    provider_id TEXT,
    url TEXT,
    payment TEXT,
    made_at DATETIME NOT NULL,
    made_by_id INTEGER,
    paid_at DATETIME,
    receipt_id INTEGER,
    fee_pence BIGINT,
    failure TEXT,
    CONSTRAINT pk_card_checkout PRIMARY KEY (id),
    CONSTRAINT ck_card_checkout_pays_something CHECK (pence > 0),
    CONSTRAINT uq_card_checkout_reference UNIQUE (reference),
    CONSTRAINT fk_card_checkout_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id),
    CONSTRAINT ck_card_checkout_method CHECK (method IN ('card', 'bacs')),
    CONSTRAINT ck_card_checkout_state CHECK (state IN ('wanted', 'open', 'on_its_way', 'paid', 'failed', 'expired')),
    CONSTRAINT uq_card_checkout_provider_id UNIQUE (provider_id),
    CONSTRAINT uq_card_checkout_payment UNIQUE (payment),
    CONSTRAINT fk_card_checkout_made_by_id FOREIGN KEY(made_by_id) REFERENCES person (id),
    CONSTRAINT uq_card_checkout_receipt_id UNIQUE (receipt_id),
    CONSTRAINT fk_card_checkout_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id)
)
;

CREATE INDEX ix_card_checkout_pledge_id ON card_checkout (pledge_id)
;

CREATE INDEX ix_card_checkout_state ON card_checkout (state)
;

CREATE TABLE invoice (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    instalment_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    po_number TEXT,
    billed_name TEXT NOT NULL,
    billed_address TEXT NOT NULL,
    issued_on DATE NOT NULL,
    due_on DATE NOT NULL,
    transfer_id INTEGER NOT NULL,
    issued_at DATETIME NOT NULL,
    issued_by_id INTEGER,
    CONSTRAINT pk_invoice PRIMARY KEY (id),
    CONSTRAINT ck_invoice_asks_something CHECK (pence > 0),
    CONSTRAINT uq_invoice_reference UNIQUE (reference),
    CONSTRAINT fk_invoice_instalment_id FOREIGN KEY(instalment_id) REFERENCES pledge_instalment (id),
    CONSTRAINT fk_invoice_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_invoice_issued_by_id FOREIGN KEY(issued_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_invoice_instalment_id ON invoice (instalment_id)
;

CREATE INDEX ix_invoice_organisation_id ON invoice (organisation_id)
;

CREATE TABLE receipt_share (
    receipt_id INTEGER NOT NULL,
    instalment_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    CONSTRAINT pk_receipt_share PRIMARY KEY (receipt_id, instalment_id),
    CONSTRAINT ck_receipt_share_something_went CHECK (pence > 0),
    CONSTRAINT fk_receipt_share_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT fk_receipt_share_instalment_id FOREIGN KEY(instalment_id) REFERENCES pledge_instalment (id)
)
;

CREATE INDEX ix_receipt_share_instalment_id ON receipt_share (instalment_id)
;

CREATE TABLE write_off (
    id INTEGER NOT NULL,
    instalment_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    reason TEXT NOT NULL,
    proposed_at DATETIME NOT NULL,
    proposed_by_id INTEGER NOT NULL,
    decided_at DATETIME,
    decided_by_id INTEGER,
    confirmed BOOLEAN,
    CONSTRAINT pk_write_off PRIMARY KEY (id),
    CONSTRAINT ck_write_off_gives_up_something CHECK (pence > 0),
    CONSTRAINT ck_write_off_two_people CHECK (decided_by_id IS NULL OR decided_by_id <> proposed_by_id),
    CONSTRAINT fk_write_off_instalment_id FOREIGN KEY(instalment_id) REFERENCES pledge_instalment (id),
    CONSTRAINT fk_write_off_proposed_by_id FOREIGN KEY(proposed_by_id) REFERENCES person (id),
    CONSTRAINT fk_write_off_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_write_off_instalment_id ON write_off (instalment_id)
;

CREATE UNIQUE INDEX uq_write_off_open ON write_off (instalment_id) WHERE decided_at IS NULL
;

CREATE TABLE card_refund (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    checkout_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    reason TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    asked_at DATETIME NOT NULL,
    asked_by_id INTEGER NOT NULL,
    decided_at DATETIME,
    decided_by_id INTEGER,
    provider_id TEXT,
    CONSTRAINT pk_card_refund PRIMARY KEY (id),
    CONSTRAINT ck_card_refund_pays_something CHECK (pence > 0),
    CONSTRAINT ck_card_refund_two_people CHECK (decided_by_id IS NULL OR decided_by_id <> asked_by_id),
    CONSTRAINT uq_card_refund_reference UNIQUE (reference),
    CONSTRAINT fk_card_refund_checkout_id FOREIGN KEY(checkout_id) REFERENCES card_checkout (id),
    CONSTRAINT ck_card_refund_state CHECK (state IN ('asked', 'approved', 'sent', 'refused', 'failed')),
    CONSTRAINT fk_card_refund_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id),
    CONSTRAINT fk_card_refund_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id),
    CONSTRAINT uq_card_refund_provider_id UNIQUE (provider_id)
)
;

CREATE INDEX ix_card_refund_checkout_id ON card_refund (checkout_id)
;

CREATE INDEX ix_card_refund_state ON card_refund (state)
;

CREATE TABLE credit_note (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    invoice_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    reason TEXT NOT NULL,
    transfer_id INTEGER NOT NULL,
    issued_at DATETIME NOT NULL,
    issued_by_id INTEGER,
    CONSTRAINT pk_credit_note PRIMARY KEY (id),
    CONSTRAINT ck_credit_note_credits_something CHECK (pence > 0),
    CONSTRAINT uq_credit_note_reference UNIQUE (reference),
    CONSTRAINT uq_credit_note_invoice_id UNIQUE (invoice_id),
    CONSTRAINT fk_credit_note_invoice_id FOREIGN KEY(invoice_id) REFERENCES invoice (id),
    CONSTRAINT fk_credit_note_issued_by_id FOREIGN KEY(issued_by_id) REFERENCES person (id)
)
;

CREATE TABLE taken_back (
    id INTEGER NOT NULL,
    item TEXT NOT NULL,
    checkout_id INTEGER NOT NULL,
    receipt_id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    pence BIGINT NOT NULL,
    short_pence BIGINT NOT NULL,
    reason TEXT NOT NULL,
    went_on DATE NOT NULL,
    transfer_id INTEGER NOT NULL,
    undone_at DATETIME,
    CONSTRAINT pk_taken_back PRIMARY KEY (id),
    CONSTRAINT ck_taken_back_something_went CHECK (pence > 0),
    CONSTRAINT uq_taken_back_item UNIQUE (item),
    CONSTRAINT fk_taken_back_checkout_id FOREIGN KEY(checkout_id) REFERENCES card_checkout (id),
    CONSTRAINT fk_taken_back_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT ck_taken_back_kind CHECK (kind IN ('dispute', 'refund'))
)
;

CREATE INDEX ix_taken_back_checkout_id ON taken_back (checkout_id)
;

CREATE INDEX ix_taken_back_receipt_id ON taken_back (receipt_id)
;

ALTER TABLE account ADD COLUMN restriction TEXT
;

ALTER TABLE pledge ADD COLUMN written_off_pence BIGINT DEFAULT '0' NOT NULL
;

ALTER TABLE receipt ADD COLUMN source TEXT
;

CREATE UNIQUE INDEX uq_receipt_source ON receipt (source)
;
