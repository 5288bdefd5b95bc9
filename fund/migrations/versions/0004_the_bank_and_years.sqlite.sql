-- The tables of 0004 for SQLite, as they were laid down; never edited afterwards. Each statement ends with a line ";".
CREATE TABLE bank_layout (
    id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    headings JSON NOT NULL,
    filename TEXT NOT NULL,
    answers JSON NOT NULL,
    told_at DATETIME NOT NULL,
    told_by_id INTEGER NOT NULL,
    CONSTRAINT pk_bank_layout PRIMARY KEY (id),
    CONSTRAINT uq_bank_layout_fingerprint UNIQUE (fingerprint)
)
;

CREATE TABLE closing (
    id INTEGER NOT NULL,
    open_from DATE NOT NULL,
    reason TEXT NOT NULL,
    prepared_by_id INTEGER NOT NULL,
    prepared_at DATETIME NOT NULL,
    CONSTRAINT pk_closing PRIMARY KEY (id)
)
;

CREATE TABLE modulus_weights (
    id INTEGER NOT NULL,
    version TEXT NOT NULL,
    weights TEXT NOT NULL,
    substitutions TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    loaded_at DATETIME NOT NULL,
    loaded_by_id INTEGER NOT NULL,
    CONSTRAINT pk_modulus_weights PRIMARY KEY (id)
)
;

CREATE TABLE closed_period (
    id INTEGER NOT NULL,
    closing_id INTEGER NOT NULL,
    open_from DATE NOT NULL,
    hash TEXT NOT NULL,
    confirmed_by_id INTEGER NOT NULL,
    confirmed_at DATETIME NOT NULL,
    CONSTRAINT pk_closed_period PRIMARY KEY (id),
    CONSTRAINT uq_closed_period_closing_id UNIQUE (closing_id),
    CONSTRAINT fk_closed_period_closing_id FOREIGN KEY(closing_id) REFERENCES closing (id)
)
;

CREATE TABLE waiting_file (
    id INTEGER NOT NULL,
    open_sha256 TEXT,
    filename TEXT NOT NULL,
    content BLOB NOT NULL,
    answers JSON NOT NULL,
    sent_at DATETIME NOT NULL,
    sent_by_id INTEGER NOT NULL,
    closed_at DATETIME,
    closed_as VARCHAR(40),
    closed_by_id INTEGER,
    statement_id INTEGER,
    CONSTRAINT pk_waiting_file PRIMARY KEY (id),
    CONSTRAINT ck_waiting_file_closed_somehow CHECK ((closed_at IS NULL) = (closed_as IS NULL)),
    CONSTRAINT ck_waiting_file_waits_once CHECK ((closed_at IS NULL) = (open_sha256 IS NOT NULL)),
    CONSTRAINT uq_waiting_file_open_sha256 UNIQUE (open_sha256),
    CONSTRAINT ck_waiting_file_closed_as CHECK (closed_as IN ('booked', 'set_aside', 'expired')),
    CONSTRAINT fk_waiting_file_statement_id FOREIGN KEY(statement_id) REFERENCES statement (id)
)
;

CREATE INDEX ix_waiting_file_open ON waiting_file (closed_at, id)
;

CREATE TABLE restricted_fund (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    pledge_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    purpose TEXT NOT NULL,
    priority TEXT NOT NULL,
    districts TEXT NOT NULL,
    from_on DATE,
    spend_by DATE,
    state VARCHAR(40) NOT NULL,
    wish TEXT,
    proposed_at DATETIME,
    proposed_by_id INTEGER,
    accepted_at DATETIME,
    accepted_by_id INTEGER,
    CONSTRAINT pk_restricted_fund PRIMARY KEY (id),
    CONSTRAINT ck_restricted_fund_two_people CHECK (accepted_by_id IS NULL OR accepted_by_id <> proposed_by_id),
    CONSTRAINT ck_restricted_fund_accepted_before_open CHECK (state IN ('wished', 'offered') OR accepted_by_id IS NOT NULL),
    CONSTRAINT uq_restricted_fund_reference UNIQUE (reference),
    CONSTRAINT uq_restricted_fund_pledge_id UNIQUE (pledge_id),
    CONSTRAINT fk_restricted_fund_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id),
    CONSTRAINT ck_restricted_fund_state CHECK (state IN ('wished', 'offered', 'open')),
    CONSTRAINT fk_restricted_fund_proposed_by_id FOREIGN KEY(proposed_by_id) REFERENCES person (id),
    CONSTRAINT fk_restricted_fund_accepted_by_id FOREIGN KEY(accepted_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_restricted_fund_state ON restricted_fund (state)
;

CREATE TABLE fit_judgement (
    id INTEGER NOT NULL,
    fund_id INTEGER NOT NULL,
    proposal TEXT NOT NULL,
    serves BOOLEAN NOT NULL,
    reasons TEXT NOT NULL,
    judged_at DATETIME NOT NULL,
    judged_by_id INTEGER NOT NULL,
    CONSTRAINT pk_fit_judgement PRIMARY KEY (id),
    CONSTRAINT fk_fit_judgement_fund_id FOREIGN KEY(fund_id) REFERENCES restricted_fund (id),
    CONSTRAINT fk_fit_judgement_judged_by_id FOREIGN KEY(judged_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_fit_judgement_proposal ON fit_judgement (proposal, fund_id)
;

ALTER TABLE payee ADD COLUMN name_check VARCHAR(40) CONSTRAINT ck_payee_name_check CHECK (name_check IN ('match', 'close_match', 'no_match', 'unavailable', 'paid_before'))
;

ALTER TABLE payee ADD COLUMN name_returned TEXT
;

ALTER TABLE payee ADD COLUMN name_reason TEXT
;

ALTER TABLE payee ADD COLUMN name_checked_by_id INTEGER
;

ALTER TABLE payee ADD COLUMN name_checked_at DATETIME
;

ALTER TABLE payee ADD COLUMN name_agreed_by_id INTEGER
;

ALTER TABLE payee ADD COLUMN name_agreed_at DATETIME
;

CREATE INDEX ix_account_by_kind ON account (kind, owner)
;

ALTER TABLE payment_order ADD COLUMN pay_by DATE
;

ALTER TABLE payment_order ADD COLUMN target_on DATE
;

DROP INDEX uq_payment_order_line
;

CREATE INDEX ix_payment_order_line ON payment_order (line_id)
;
