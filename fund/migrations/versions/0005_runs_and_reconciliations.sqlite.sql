-- The tables of 0005 for SQLite, as they were laid down; never edited afterwards. Each statement ends with a line ";".
CREATE TABLE payment_run (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    execute_on DATE NOT NULL,
    sha256 TEXT NOT NULL,
    payment_count INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    prepared_by_id INTEGER NOT NULL,
    prepared_by_name TEXT NOT NULL,
    prepared_at DATETIME NOT NULL,
    approved_at DATETIME,
    ended_at DATETIME,
    ended_by_id INTEGER,
    ended_by_name TEXT,
    ended_reason TEXT,
    CONSTRAINT pk_payment_run PRIMARY KEY (id),
    CONSTRAINT ck_payment_run_pence_not_negative CHECK (pence >= 0),
    CONSTRAINT ck_payment_run_ended_with_reason CHECK ((ended_at IS NULL) = (ended_reason IS NULL)),
    CONSTRAINT uq_payment_run_reference UNIQUE (reference),
    CONSTRAINT ck_payment_run_state CHECK (state IN ('open', 'approved', 'sent_back', 'cancelled')),
    CONSTRAINT fk_payment_run_prepared_by_id FOREIGN KEY(prepared_by_id) REFERENCES person (id),
    CONSTRAINT fk_payment_run_ended_by_id FOREIGN KEY(ended_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_payment_run_state ON payment_run (state, id)
;

CREATE TABLE reconciliation (
    id INTEGER NOT NULL,
    bank_account_id INTEGER NOT NULL,
    month DATE NOT NULL,
    closing_pence BIGINT NOT NULL,
    books_pence BIGINT NOT NULL,
    on_their_way_pence BIGINT NOT NULL,
    waiting_pence BIGINT NOT NULL,
    items JSON NOT NULL,
    reasons JSON NOT NULL,
    why TEXT,
    lasting TEXT NOT NULL,
    hash TEXT NOT NULL,
    prepared_by_id INTEGER NOT NULL,
    prepared_at DATETIME NOT NULL,
    CONSTRAINT pk_reconciliation PRIMARY KEY (id),
    CONSTRAINT fk_reconciliation_bank_account_id FOREIGN KEY(bank_account_id) REFERENCES bank_account (id)
)
;

CREATE INDEX ix_reconciliation_month ON reconciliation (bank_account_id, month, id)
;

CREATE TABLE direct_debit (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    state VARCHAR(40) NOT NULL,
    made_at DATETIME NOT NULL,
    made_by_id INTEGER NOT NULL,
    provider_id TEXT,
    url TEXT,
    customer TEXT,
    source TEXT,
    mandate TEXT,
    given_at DATETIME,
    ended_at DATETIME,
    ended_by_id INTEGER,
    end_reason TEXT,
    provider_told_at DATETIME,
    CONSTRAINT pk_direct_debit PRIMARY KEY (id),
    CONSTRAINT uq_direct_debit_reference UNIQUE (reference),
    CONSTRAINT fk_direct_debit_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_direct_debit_state CHECK (state IN ('wanted', 'open', 'active', 'expired', 'ended')),
    CONSTRAINT fk_direct_debit_made_by_id FOREIGN KEY(made_by_id) REFERENCES person (id),
    CONSTRAINT uq_direct_debit_provider_id UNIQUE (provider_id),
    CONSTRAINT uq_direct_debit_mandate UNIQUE (mandate),
    CONSTRAINT fk_direct_debit_ended_by_id FOREIGN KEY(ended_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_direct_debit_organisation_id ON direct_debit (organisation_id)
;

CREATE INDEX ix_direct_debit_state ON direct_debit (state)
;

CREATE TABLE payer_name (
    id INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    learned_at DATETIME NOT NULL,
    learned_by_id INTEGER,
    CONSTRAINT pk_payer_name PRIMARY KEY (id),
    CONSTRAINT fk_payer_name_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_payer_name_organisation_id ON payer_name (organisation_id)
;

CREATE UNIQUE INDEX uq_payer_name ON payer_name (name_key, organisation_id)
;

CREATE TABLE reconciliation_decision (
    id INTEGER NOT NULL,
    reconciliation_id INTEGER NOT NULL,
    signed BOOLEAN NOT NULL,
    reason TEXT,
    decided_by_id INTEGER NOT NULL,
    decided_at DATETIME NOT NULL,
    CONSTRAINT pk_reconciliation_decision PRIMARY KEY (id),
    CONSTRAINT ck_reconciliation_decision_sent_back_with_reason CHECK (signed OR reason IS NOT NULL),
    CONSTRAINT uq_reconciliation_decision_reconciliation_id UNIQUE (reconciliation_id),
    CONSTRAINT fk_reconciliation_decision_reconciliation_id FOREIGN KEY(reconciliation_id) REFERENCES reconciliation (id)
)
;

CREATE TABLE debited_pledge (
    pledge_id INTEGER NOT NULL,
    mandate_id INTEGER NOT NULL,
    agreed_at DATETIME NOT NULL,
    agreed_by_id INTEGER NOT NULL,
    CONSTRAINT pk_debited_pledge PRIMARY KEY (pledge_id),
    CONSTRAINT fk_debited_pledge_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id),
    CONSTRAINT fk_debited_pledge_mandate_id FOREIGN KEY(mandate_id) REFERENCES direct_debit (id),
    CONSTRAINT fk_debited_pledge_agreed_by_id FOREIGN KEY(agreed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_debited_pledge_mandate_id ON debited_pledge (mandate_id)
;

CREATE TABLE line_match (
    id INTEGER NOT NULL,
    line_id INTEGER NOT NULL,
    receipt_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    reason TEXT NOT NULL,
    matched_at DATETIME NOT NULL,
    matched_by_id INTEGER,
    undone_at DATETIME,
    undone_by_id INTEGER,
    undone_reason TEXT,
    short_pence BIGINT,
    CONSTRAINT pk_line_match PRIMARY KEY (id),
    CONSTRAINT ck_line_match_something_came CHECK (pence > 0),
    CONSTRAINT ck_line_match_undone_for_a_reason CHECK ((undone_at IS NULL) = (undone_reason IS NULL)),
    CONSTRAINT fk_line_match_line_id FOREIGN KEY(line_id) REFERENCES statement_line (id),
    CONSTRAINT uq_line_match_receipt_id UNIQUE (receipt_id),
    CONSTRAINT fk_line_match_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id)
)
;

CREATE INDEX ix_line_match_line_id ON line_match (line_id)
;

CREATE INDEX ix_line_match_undone ON line_match (undone_at, id)
;

CREATE TABLE payment_run_item (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    instalment_id INTEGER NOT NULL,
    order_key TEXT NOT NULL,
    is_live BOOLEAN NOT NULL,
    taken_out_at DATETIME,
    CONSTRAINT pk_payment_run_item PRIMARY KEY (id),
    CONSTRAINT uq_payment_run_item_run_id_instalment_id UNIQUE (run_id, instalment_id),
    CONSTRAINT fk_payment_run_item_run_id FOREIGN KEY(run_id) REFERENCES payment_run (id),
    CONSTRAINT fk_payment_run_item_instalment_id FOREIGN KEY(instalment_id) REFERENCES instalment (id)
)
;

CREATE UNIQUE INDEX uq_payment_run_item_live ON payment_run_item (instalment_id) WHERE is_live
;

ALTER TABLE payment_file ADD COLUMN run TEXT
;

ALTER TABLE payment_file ADD COLUMN totals_sha256 TEXT
;

ALTER TABLE provider_event ADD COLUMN customer TEXT
;

ALTER TABLE provider_event ADD COLUMN source TEXT
;

ALTER TABLE payment_order ADD COLUMN run TEXT
;

ALTER TABLE payment_order ADD COLUMN execute_on DATE
;

CREATE INDEX ix_payment_order_run ON payment_order (run)
;

ALTER TABLE payout ADD COLUMN failure TEXT
;

ALTER TABLE payout ADD COLUMN return_line_id INTEGER CONSTRAINT fk_payout_return_line_id_statement_line REFERENCES statement_line (id)
;

ALTER TABLE payout ADD COLUMN returned_by_id INTEGER
;

CREATE UNIQUE INDEX uq_payout_return_line_id ON payout (return_line_id)
;

ALTER TABLE card_checkout ADD COLUMN mandate_id INTEGER CONSTRAINT fk_card_checkout_mandate_id_direct_debit REFERENCES direct_debit (id)
;

ALTER TABLE card_checkout ADD COLUMN instalment_id INTEGER CONSTRAINT fk_card_checkout_instalment_id_pledge_instalment REFERENCES pledge_instalment (id)
;

ALTER TABLE card_checkout ADD COLUMN collect_on DATE
;

ALTER TABLE card_checkout ADD COLUMN asked_at DATETIME
;

CREATE INDEX ix_card_checkout_instalment_id ON card_checkout (instalment_id)
;

CREATE INDEX ix_card_checkout_mandate_id ON card_checkout (mandate_id)
;

CREATE UNIQUE INDEX uq_card_checkout_collecting ON card_checkout (instalment_id) WHERE state IN ('planned', 'wanted', 'on_its_way')
;

ALTER TABLE receipt_share ADD COLUMN invoiced_pence BIGINT DEFAULT '0' NOT NULL
;
