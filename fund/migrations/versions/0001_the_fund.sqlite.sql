-- The tables of 0001 for SQLite, as they were laid down; never edited afterwards. Each statement ends with a line ";".
CREATE TABLE outbox_message (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    by_when TEXT NOT NULL,
    path TEXT NOT NULL,
    holds_secret BOOLEAN NOT NULL,
    document TEXT,
    created_at DATETIME NOT NULL,
    next_attempt_at DATETIME NOT NULL,
    sent_at DATETIME,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    CONSTRAINT pk_outbox_message PRIMARY KEY (id),
    CONSTRAINT uq_outbox_message_key UNIQUE ("key")
)
;

CREATE INDEX ix_outbox_message_unsent ON outbox_message (next_attempt_at) WHERE sent_at IS NULL
;

CREATE TABLE demo_clock (
    id INTEGER NOT NULL,
    offset_seconds BIGINT NOT NULL,
    CONSTRAINT pk_demo_clock PRIMARY KEY (id),
    CONSTRAINT ck_demo_clock_one_row CHECK (id = 1),
    CONSTRAINT ck_demo_clock_never_back CHECK (offset_seconds >= 0)
)
;

CREATE TABLE society (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    society_type VARCHAR(40) NOT NULL,
    address TEXT NOT NULL,
    year_end_month INTEGER NOT NULL,
    year_end_day INTEGER NOT NULL,
    is_demo BOOLEAN NOT NULL,
    founded_at DATETIME NOT NULL,
    CONSTRAINT pk_society PRIMARY KEY (id),
    CONSTRAINT ck_society_one_row CHECK (id = 1),
    CONSTRAINT ck_society_society_type CHECK (society_type IN ('co_operative', 'community_benefit', 'charitable_cbs', 'hosted'))
)
;

CREATE TABLE form_submission (
    form_id TEXT NOT NULL,
    person_id INTEGER,
    at DATETIME NOT NULL,
    message TEXT NOT NULL,
    path TEXT NOT NULL,
    CONSTRAINT pk_form_submission PRIMARY KEY (form_id)
)
;

CREATE INDEX ix_form_submission_at ON form_submission (at)
;

CREATE TABLE audit_entry (
    id INTEGER NOT NULL,
    at DATETIME NOT NULL,
    actor_id INTEGER,
    organisation_id INTEGER,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    "before" JSON NOT NULL,
    "after" JSON NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (id)
)
;

CREATE INDEX ix_audit_entry_subject ON audit_entry (subject)
;

CREATE INDEX ix_audit_entry_at ON audit_entry (at)
;

CREATE TABLE person (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    password_hash TEXT,
    created_at DATETIME NOT NULL,
    disabled_at DATETIME,
    CONSTRAINT pk_person PRIMARY KEY (id),
    CONSTRAINT uq_person_email_key UNIQUE (email_key)
)
;

CREATE TABLE sign_in_throttle (
    id INTEGER NOT NULL,
    account_hash TEXT NOT NULL,
    network TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_attempt_at DATETIME NOT NULL,
    wait_until DATETIME NOT NULL,
    CONSTRAINT pk_sign_in_throttle PRIMARY KEY (id),
    CONSTRAINT uq_sign_in_throttle_account_hash_network UNIQUE (account_hash, network)
)
;

CREATE INDEX ix_sign_in_throttle_last_attempt_at ON sign_in_throttle (last_attempt_at)
;

CREATE TABLE connected_group (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_connected_group PRIMARY KEY (id)
)
;

CREATE TABLE framework (
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    licence TEXT NOT NULL,
    source TEXT NOT NULL,
    status VARCHAR(40) NOT NULL,
    locked BOOLEAN NOT NULL,
    published_at DATETIME,
    CONSTRAINT pk_framework PRIMARY KEY (id),
    CONSTRAINT uq_framework_code_version UNIQUE (code, version),
    CONSTRAINT ck_framework_status CHECK (status IN ('draft', 'published', 'retired'))
)
;

CREATE TABLE setting (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    effective_from DATETIME NOT NULL,
    set_at DATETIME NOT NULL,
    set_by_id INTEGER,
    CONSTRAINT pk_setting PRIMARY KEY (id)
)
;

CREATE INDEX ix_setting_key_effective_from ON setting ("key", effective_from)
;

CREATE TABLE entry (
    account_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    transfer_id INTEGER NOT NULL,
    leg INTEGER NOT NULL,
    amount_pence BIGINT NOT NULL,
    running_pence BIGINT NOT NULL,
    balance_pence BIGINT NOT NULL,
    CONSTRAINT pk_entry PRIMARY KEY (account_id, sequence),
    CONSTRAINT uq_entry_transfer_id_leg UNIQUE (transfer_id, leg)
)
 WITHOUT ROWID
;

CREATE TABLE seal (
    id INTEGER NOT NULL,
    sealed_at DATETIME NOT NULL,
    last_transfer_id INTEGER NOT NULL,
    transfer_count INTEGER NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_seal PRIMARY KEY (id),
    CONSTRAINT uq_seal_last_transfer_id UNIQUE (last_transfer_id)
)
;

CREATE TABLE bank_account (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    sort_code TEXT,
    account_number TEXT NOT NULL,
    opened_at DATETIME NOT NULL,
    CONSTRAINT pk_bank_account PRIMARY KEY (id)
)
;

CREATE TABLE payee (
    id INTEGER NOT NULL,
    owner TEXT NOT NULL,
    account_name TEXT NOT NULL,
    sort_code TEXT NOT NULL,
    account_number TEXT NOT NULL,
    given_by_id INTEGER NOT NULL,
    given_at DATETIME NOT NULL,
    verified_by_id INTEGER,
    verified_at DATETIME,
    note TEXT,
    usable_from DATETIME,
    rejected_at DATETIME,
    CONSTRAINT pk_payee PRIMARY KEY (id),
    CONSTRAINT ck_payee_two_people CHECK (verified_by_id IS NULL OR verified_by_id <> given_by_id),
    CONSTRAINT ck_payee_digits CHECK (length(sort_code) = 6 AND length(account_number) = 8)
)
;

CREATE INDEX ix_payee_owner ON payee (owner, id)
;

CREATE TABLE payment_file (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    content BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    order_count INTEGER NOT NULL,
    total_pence BIGINT NOT NULL,
    execute_on DATE NOT NULL,
    made_at DATETIME NOT NULL,
    made_by_id INTEGER NOT NULL,
    CONSTRAINT pk_payment_file PRIMARY KEY (id),
    CONSTRAINT uq_payment_file_reference UNIQUE (reference)
)
;

CREATE TABLE counter (
    series TEXT NOT NULL,
    last INTEGER NOT NULL,
    CONSTRAINT pk_counter PRIMARY KEY (series)
)
;

CREATE TABLE wrong_codes (
    bucket INTEGER NOT NULL,
    since DATETIME NOT NULL,
    tries INTEGER NOT NULL,
    CONSTRAINT pk_wrong_codes PRIMARY KEY (bucket)
)
;

CREATE TABLE day_salt (
    id INTEGER NOT NULL,
    day DATE NOT NULL,
    salt TEXT NOT NULL,
    CONSTRAINT pk_day_salt PRIMARY KEY (id),
    CONSTRAINT ck_day_salt_one_row CHECK (id = 1)
)
;

CREATE TABLE document (
    id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    reference TEXT NOT NULL,
    edition TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content BLOB,
    issued_at DATETIME NOT NULL,
    CONSTRAINT pk_document PRIMARY KEY (id),
    CONSTRAINT uq_document_kind_reference_edition UNIQUE (kind, reference, edition),
    CONSTRAINT ck_document_kind CHECK (kind IN ('receipt', 'proposal', 'agreement'))
)
;

CREATE TABLE sweep_turn (
    name TEXT NOT NULL,
    next_at DATETIME NOT NULL,
    last_at DATETIME,
    CONSTRAINT pk_sweep_turn PRIMARY KEY (name)
)
;

CREATE TABLE fund_appointment (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    role VARCHAR(40) NOT NULL,
    started_at DATETIME NOT NULL,
    ended_at DATETIME,
    appointed_by_id INTEGER,
    CONSTRAINT pk_fund_appointment PRIMARY KEY (id),
    CONSTRAINT fk_fund_appointment_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT ck_fund_appointment_role CHECK (role IN ('steward', 'secretary', 'board', 'assessor', 'lived_experience_assessor', 'auditor', 'safeguarding_lead', 'representative', 'deputy', 'finance', 'certifier', 'editor')),
    CONSTRAINT fk_fund_appointment_appointed_by_id FOREIGN KEY(appointed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_fund_appointment_person_id ON fund_appointment (person_id)
;

CREATE UNIQUE INDEX uq_fund_appointment_current ON fund_appointment (person_id, role) WHERE ended_at IS NULL
;

CREATE TABLE passphrase_reset (
    id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at DATETIME,
    CONSTRAINT pk_passphrase_reset PRIMARY KEY (id),
    CONSTRAINT uq_passphrase_reset_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_passphrase_reset_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE INDEX ix_passphrase_reset_person_id ON passphrase_reset (person_id)
;

CREATE TABLE organisation (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    legal_form VARCHAR(40) NOT NULL,
    register TEXT,
    register_number TEXT,
    district TEXT NOT NULL,
    address TEXT NOT NULL,
    group_id INTEGER,
    claims JSON NOT NULL,
    proposed_sector VARCHAR(40),
    proposed_reason TEXT NOT NULL,
    sector VARCHAR(40),
    sector_basis TEXT,
    status VARCHAR(40) NOT NULL,
    applied_at DATETIME NOT NULL,
    contact_name TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    decided_at DATETIME,
    decided_by_id INTEGER,
    decision_reasons TEXT,
    joined_on DATE,
    left_on DATE,
    CONSTRAINT pk_organisation PRIMARY KEY (id),
    CONSTRAINT uq_organisation_reference UNIQUE (reference),
    CONSTRAINT ck_organisation_legal_form CHECK (legal_form IN ('council', 'other_public_authority', 'school_or_college', 'university', 'publicly_controlled_company', 'charity', 'community_interest_company', 'community_benefit_society', 'faith_body', 'non_profit_housing_association', 'for_profit_housing_provider', 'locked_mutual', 'unincorporated_group', 'company', 'social_enterprise_company', 'sole_trader_or_partnership', 'co_operative', 'mutual', 'trade_body', 'trade_union', 'joint_venture', 'political_party', 'other')),
    CONSTRAINT fk_organisation_group_id FOREIGN KEY(group_id) REFERENCES connected_group (id),
    CONSTRAINT ck_organisation_proposed_sector CHECK (proposed_sector IN ('private', 'public', 'vcse')),
    CONSTRAINT ck_organisation_sector CHECK (sector IN ('private', 'public', 'vcse')),
    CONSTRAINT ck_organisation_status CHECK (status IN ('prospect', 'applied', 'member', 'refused', 'left')),
    CONSTRAINT fk_organisation_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_organisation_directory ON organisation (status, sector, name)
;

CREATE INDEX ix_organisation_name_key ON organisation (name_key)
;

CREATE INDEX ix_organisation_group_id ON organisation (group_id)
;

CREATE INDEX ix_organisation_register ON organisation (register, register_number)
;

CREATE INDEX ix_organisation_name ON organisation (name)
;

CREATE TABLE framework_theme (
    id INTEGER NOT NULL,
    framework_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT pk_framework_theme PRIMARY KEY (id),
    CONSTRAINT uq_framework_theme_framework_id_code UNIQUE (framework_id, code),
    CONSTRAINT fk_framework_theme_framework_id FOREIGN KEY(framework_id) REFERENCES framework (id)
)
;

CREATE TABLE account (
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    kind VARCHAR(40) NOT NULL,
    owner TEXT,
    name TEXT NOT NULL,
    may_go_below BOOLEAN NOT NULL,
    may_go_above BOOLEAN NOT NULL,
    balance_pence BIGINT NOT NULL,
    entry_count INTEGER NOT NULL,
    last_sequence INTEGER GENERATED ALWAYS AS (NULLIF(entry_count, 0)) STORED,
    CONSTRAINT pk_account PRIMARY KEY (id),
    CONSTRAINT ck_account_within_limits CHECK ((may_go_below OR balance_pence >= 0) AND (may_go_above OR balance_pence <= 0)),
    CONSTRAINT ck_account_starts_empty CHECK (entry_count > 0 OR (entry_count = 0 AND balance_pence = 0)),
    CONSTRAINT fk_account_id_last_sequence FOREIGN KEY(id, last_sequence) REFERENCES entry (account_id, sequence) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT uq_account_code UNIQUE (code),
    CONSTRAINT ck_account_kind CHECK (kind IN ('bank', 'suspense', 'in_transit', 'contributions', 'grants_paid', 'available', 'committed', 'authority'))
)
;

CREATE INDEX ix_account_kind_owner ON account (kind, owner, balance_pence)
;

CREATE TABLE transfer (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    occurred_on DATE NOT NULL,
    posted_at DATETIME NOT NULL,
    description TEXT NOT NULL,
    actor_id INTEGER,
    reverses_id INTEGER,
    reason TEXT,
    last_leg INTEGER NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT pk_transfer PRIMARY KEY (id),
    CONSTRAINT ck_transfer_two_legs CHECK (last_leg >= 2),
    CONSTRAINT ck_transfer_reversal_has_reason CHECK ((reverses_id IS NULL) OR (reason IS NOT NULL)),
    CONSTRAINT fk_transfer_id_last_leg FOREIGN KEY(id, last_leg) REFERENCES entry (transfer_id, leg) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_transfer_reverses_id FOREIGN KEY(reverses_id) REFERENCES transfer (id),
    CONSTRAINT uq_transfer_key UNIQUE ("key")
)
;

CREATE UNIQUE INDEX uq_transfer_reverses ON transfer (reverses_id) WHERE reverses_id IS NOT NULL
;

CREATE TABLE statement (
    id INTEGER NOT NULL,
    bank_account_id INTEGER NOT NULL,
    filename TEXT NOT NULL,
    form TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    from_on DATE,
    to_on DATE,
    opening_pence BIGINT,
    closing_pence BIGINT,
    line_count INTEGER NOT NULL,
    known_count INTEGER NOT NULL,
    left_out_count INTEGER NOT NULL,
    remarks JSON NOT NULL,
    imported_at DATETIME NOT NULL,
    imported_by_id INTEGER,
    CONSTRAINT pk_statement PRIMARY KEY (id),
    CONSTRAINT uq_statement_bank_account_id_sha256 UNIQUE (bank_account_id, sha256),
    CONSTRAINT fk_statement_bank_account_id FOREIGN KEY(bank_account_id) REFERENCES bank_account (id)
)
;

CREATE INDEX ix_statement_bank_account_id ON statement (bank_account_id)
;

CREATE TABLE round (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    title TEXT NOT NULL,
    purpose TEXT NOT NULL,
    written_case TEXT NOT NULL,
    senior_officer TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    budget_pence BIGINT NOT NULL,
    smallest_pence BIGINT NOT NULL,
    largest_pence BIGINT NOT NULL,
    opens_at DATETIME NOT NULL,
    closes_at DATETIME NOT NULL,
    decide_by DATE NOT NULL,
    policy_json TEXT NOT NULL,
    policy_version TEXT NOT NULL,
    created_by_id INTEGER,
    created_at DATETIME NOT NULL,
    published_at DATETIME,
    opened_at DATETIME,
    closed_at DATETIME,
    decided_at DATETIME,
    CONSTRAINT pk_round PRIMARY KEY (id),
    CONSTRAINT ck_round_closes_after_opening CHECK (closes_at > opens_at),
    CONSTRAINT ck_round_limits_in_order CHECK (smallest_pence > 0 AND smallest_pence <= largest_pence),
    CONSTRAINT uq_round_reference UNIQUE (reference),
    CONSTRAINT ck_round_state CHECK (state IN ('draft', 'published', 'open', 'closed', 'deciding', 'decided')),
    CONSTRAINT fk_round_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_round_state ON round (state)
;

CREATE TABLE person_session (
    id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    acting_for_id INTEGER,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    ended_at DATETIME,
    CONSTRAINT pk_person_session PRIMARY KEY (id),
    CONSTRAINT uq_person_session_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_person_session_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT fk_person_session_acting_for_id FOREIGN KEY(acting_for_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_person_session_person_id ON person_session (person_id)
;

CREATE TABLE invitation (
    id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    organisation_id INTEGER,
    role VARCHAR(40) NOT NULL,
    invited_by_id INTEGER,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    accepted_at DATETIME,
    withdrawn_at DATETIME,
    CONSTRAINT pk_invitation PRIMARY KEY (id),
    CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_invitation_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_invitation_role CHECK (role IN ('steward', 'secretary', 'board', 'assessor', 'lived_experience_assessor', 'auditor', 'safeguarding_lead', 'representative', 'deputy', 'finance', 'certifier', 'editor')),
    CONSTRAINT fk_invitation_invited_by_id FOREIGN KEY(invited_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_invitation_organisation_id ON invitation (organisation_id)
;

CREATE TABLE sector_decision (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    sector VARCHAR(40) NOT NULL,
    basis TEXT NOT NULL,
    evidence TEXT NOT NULL,
    decided_by_id INTEGER NOT NULL,
    decided_at DATETIME NOT NULL,
    CONSTRAINT pk_sector_decision PRIMARY KEY (id),
    CONSTRAINT fk_sector_decision_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_sector_decision_sector CHECK (sector IN ('private', 'public', 'vcse')),
    CONSTRAINT fk_sector_decision_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_sector_decision_organisation_id ON sector_decision (organisation_id)
;

CREATE TABLE appointment (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    role VARCHAR(40) NOT NULL,
    started_at DATETIME NOT NULL,
    ended_at DATETIME,
    appointed_by_id INTEGER,
    CONSTRAINT pk_appointment PRIMARY KEY (id),
    CONSTRAINT fk_appointment_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_appointment_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT ck_appointment_role CHECK (role IN ('steward', 'secretary', 'board', 'assessor', 'lived_experience_assessor', 'auditor', 'safeguarding_lead', 'representative', 'deputy', 'finance', 'certifier', 'editor')),
    CONSTRAINT fk_appointment_appointed_by_id FOREIGN KEY(appointed_by_id) REFERENCES person (id)
)
;

CREATE UNIQUE INDEX uq_appointment_current ON appointment (organisation_id, person_id, role) WHERE ended_at IS NULL
;

CREATE INDEX ix_appointment_person_id ON appointment (person_id)
;

CREATE UNIQUE INDEX uq_appointment_votes_for_one ON appointment (person_id) WHERE ended_at IS NULL AND role IN ('representative', 'deputy')
;

CREATE UNIQUE INDEX uq_appointment_one_representative ON appointment (organisation_id) WHERE ended_at IS NULL AND role = 'representative'
;

CREATE INDEX ix_appointment_organisation_id ON appointment (organisation_id)
;

CREATE TABLE framework_outcome (
    id INTEGER NOT NULL,
    framework_id INTEGER NOT NULL,
    theme_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT pk_framework_outcome PRIMARY KEY (id),
    CONSTRAINT uq_framework_outcome_framework_id_code UNIQUE (framework_id, code),
    CONSTRAINT fk_framework_outcome_framework_id FOREIGN KEY(framework_id) REFERENCES framework (id),
    CONSTRAINT fk_framework_outcome_theme_id FOREIGN KEY(theme_id) REFERENCES framework_theme (id)
)
;

CREATE INDEX ix_framework_outcome_theme_id ON framework_outcome (theme_id)
;

CREATE TABLE measurement_plan (
    id INTEGER NOT NULL,
    award_reference TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    framework_id INTEGER NOT NULL,
    opened_at DATETIME NOT NULL,
    fixed_at DATETIME,
    CONSTRAINT pk_measurement_plan PRIMARY KEY (id),
    CONSTRAINT uq_measurement_plan_award_reference UNIQUE (award_reference),
    CONSTRAINT fk_measurement_plan_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_measurement_plan_framework_id FOREIGN KEY(framework_id) REFERENCES framework (id)
)
;

CREATE INDEX ix_measurement_plan_organisation_id ON measurement_plan (organisation_id)
;

CREATE TABLE due_diligence (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    band VARCHAR(40) NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    proposed_outcome VARCHAR(40) NOT NULL,
    conditions TEXT NOT NULL,
    reasons TEXT NOT NULL,
    checked_by_id INTEGER NOT NULL,
    checked_by_name TEXT NOT NULL,
    checked_at DATETIME NOT NULL,
    second_by_id INTEGER,
    second_by_name TEXT,
    second_at DATETIME,
    second_note TEXT,
    expires_on DATE NOT NULL,
    CONSTRAINT pk_due_diligence PRIMARY KEY (id),
    CONSTRAINT fk_due_diligence_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_due_diligence_band CHECK (band IN ('light', 'standard', 'enhanced')),
    CONSTRAINT ck_due_diligence_outcome CHECK (outcome IN ('waiting', 'clear', 'clear_with_conditions', 'not_clear', 'returned')),
    CONSTRAINT ck_due_diligence_proposed_outcome CHECK (proposed_outcome IN ('waiting', 'clear', 'clear_with_conditions', 'not_clear', 'returned')),
    CONSTRAINT fk_due_diligence_checked_by_id FOREIGN KEY(checked_by_id) REFERENCES person (id),
    CONSTRAINT fk_due_diligence_second_by_id FOREIGN KEY(second_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_due_diligence_organisation_id ON due_diligence (organisation_id, id)
;

CREATE TABLE statement_line (
    id INTEGER NOT NULL,
    statement_id INTEGER NOT NULL,
    bank_account_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    identity TEXT NOT NULL,
    form TEXT NOT NULL,
    booked_on DATE NOT NULL,
    valued_on DATE,
    amount_pence BIGINT NOT NULL,
    counterparty TEXT NOT NULL,
    remittance TEXT NOT NULL,
    bank_reference TEXT NOT NULL,
    end_to_end TEXT NOT NULL,
    details JSON NOT NULL,
    settled_at DATETIME,
    settled_as TEXT,
    settled_by_id INTEGER,
    CONSTRAINT pk_statement_line PRIMARY KEY (id),
    CONSTRAINT ck_statement_line_settled_as_something CHECK ((settled_at IS NULL) = (settled_as IS NULL)),
    CONSTRAINT ck_statement_line_moves_money CHECK (amount_pence <> 0),
    CONSTRAINT fk_statement_line_statement_id FOREIGN KEY(statement_id) REFERENCES statement (id),
    CONSTRAINT fk_statement_line_bank_account_id FOREIGN KEY(bank_account_id) REFERENCES bank_account (id),
    CONSTRAINT uq_statement_line_identity UNIQUE (identity)
)
;

CREATE INDEX ix_statement_line_statement_id ON statement_line (statement_id)
;

CREATE INDEX ix_statement_line_account_day ON statement_line (bank_account_id, booked_on, amount_pence)
;

CREATE INDEX ix_statement_line_open ON statement_line (settled_at, booked_on, id)
;

CREATE TABLE pledge (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    reference_key TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    paid_pence BIGINT NOT NULL,
    po_number TEXT,
    state VARCHAR(40) NOT NULL,
    pledged_at DATETIME NOT NULL,
    pledged_by_id INTEGER,
    cancelled_at DATETIME,
    cancel_reason TEXT,
    CONSTRAINT pk_pledge PRIMARY KEY (id),
    CONSTRAINT ck_pledge_promises_something CHECK (pence > 0),
    CONSTRAINT ck_pledge_paid_not_negative CHECK (paid_pence >= 0),
    CONSTRAINT uq_pledge_reference UNIQUE (reference),
    CONSTRAINT uq_pledge_reference_key UNIQUE (reference_key),
    CONSTRAINT fk_pledge_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_pledge_state CHECK (state IN ('pledged', 'part_paid', 'paid', 'cancelled')),
    CONSTRAINT fk_pledge_pledged_by_id FOREIGN KEY(pledged_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_pledge_state ON pledge (state)
;

CREATE INDEX ix_pledge_organisation_id ON pledge (organisation_id)
;

CREATE TABLE proposal (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    round_id INTEGER NOT NULL,
    lead_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    created_by_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    returned_at DATETIME,
    fix_by DATETIME,
    eligibility_reasons TEXT,
    eligibility_by_id INTEGER,
    eligibility_at DATETIME,
    decision_reasons TEXT,
    decided_at DATETIME,
    CONSTRAINT pk_proposal PRIMARY KEY (id),
    CONSTRAINT uq_proposal_reference UNIQUE (reference),
    CONSTRAINT fk_proposal_round_id FOREIGN KEY(round_id) REFERENCES round (id),
    CONSTRAINT fk_proposal_lead_id FOREIGN KEY(lead_id) REFERENCES organisation (id),
    CONSTRAINT ck_proposal_state CHECK (state IN ('draft', 'submitted', 'returned', 'eligible', 'ineligible', 'on_ballot', 'approved', 'reserve', 'declined')),
    CONSTRAINT fk_proposal_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id),
    CONSTRAINT fk_proposal_eligibility_by_id FOREIGN KEY(eligibility_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_proposal_lead_id ON proposal (lead_id)
;

CREATE INDEX ix_proposal_round_id_state ON proposal (round_id, state)
;

CREATE TABLE ballot (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    round_id INTEGER NOT NULL,
    round_reference TEXT NOT NULL,
    round_title TEXT NOT NULL,
    kind VARCHAR(40) NOT NULL,
    state VARCHAR(40) NOT NULL,
    budget_pence BIGINT NOT NULL,
    drafted_at DATETIME NOT NULL,
    drafted_by_id INTEGER,
    notice_at DATETIME,
    opens_at DATETIME,
    closes_at DATETIME,
    closed_at DATETIME,
    counted_at DATETIME,
    declared_at DATETIME,
    declared_by_id INTEGER,
    roll_hash TEXT,
    policy_json TEXT,
    CONSTRAINT pk_ballot PRIMARY KEY (id),
    CONSTRAINT ck_ballot_frozen_at_notice CHECK (state IN ('draft', 'void') OR (notice_at IS NOT NULL AND opens_at IS NOT NULL AND closes_at IS NOT NULL AND roll_hash IS NOT NULL AND policy_json IS NOT NULL)),
    CONSTRAINT ck_ballot_opens_before_it_closes CHECK (opens_at < closes_at),
    CONSTRAINT uq_ballot_reference UNIQUE (reference),
    CONSTRAINT fk_ballot_round_id FOREIGN KEY(round_id) REFERENCES round (id),
    CONSTRAINT ck_ballot_kind CHECK (kind IN ('ordinary', 'grant', 'special', 'written_ordinary', 'written_special')),
    CONSTRAINT ck_ballot_state CHECK (state IN ('draft', 'notice_given', 'open', 'closed', 'counted', 'declared', 'void')),
    CONSTRAINT fk_ballot_drafted_by_id FOREIGN KEY(drafted_by_id) REFERENCES person (id),
    CONSTRAINT fk_ballot_declared_by_id FOREIGN KEY(declared_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_ballot_round_id ON ballot (round_id)
;

CREATE UNIQUE INDEX uq_ballot_live_of_round ON ballot (round_id) WHERE state NOT IN ('declared', 'void')
;

CREATE INDEX ix_ballot_state ON ballot (state)
;

CREATE TABLE framework_measure (
    id INTEGER NOT NULL,
    framework_id INTEGER NOT NULL,
    outcome_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    unit TEXT NOT NULL,
    decimals INTEGER NOT NULL,
    direction VARCHAR(40) NOT NULL,
    aggregation VARCHAR(40) NOT NULL,
    guidance TEXT NOT NULL,
    evidence_hint TEXT NOT NULL,
    proxy_value_pence BIGINT,
    proxy_source TEXT,
    proxy_year INTEGER,
    CONSTRAINT pk_framework_measure PRIMARY KEY (id),
    CONSTRAINT uq_framework_measure_framework_id_code UNIQUE (framework_id, code),
    CONSTRAINT fk_framework_measure_framework_id FOREIGN KEY(framework_id) REFERENCES framework (id),
    CONSTRAINT fk_framework_measure_outcome_id FOREIGN KEY(outcome_id) REFERENCES framework_outcome (id),
    CONSTRAINT ck_framework_measure_kind CHECK (kind IN ('count', 'number', 'percent', 'money', 'yes_no', 'scale', 'story')),
    CONSTRAINT ck_framework_measure_direction CHECK (direction IN ('up', 'down')),
    CONSTRAINT ck_framework_measure_aggregation CHECK (aggregation IN ('sum', 'mean', 'latest', 'none'))
)
;

CREATE INDEX ix_framework_measure_outcome_id ON framework_measure (outcome_id)
;

CREATE TABLE report (
    id INTEGER NOT NULL,
    award_reference TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    due_on DATE NOT NULL,
    state VARCHAR(40) NOT NULL,
    unwanted_change TEXT NOT NULL,
    submitted_at DATETIME,
    submitted_by_id INTEGER,
    accepted_at DATETIME,
    reminded INTEGER NOT NULL,
    CONSTRAINT pk_report PRIMARY KEY (id),
    CONSTRAINT uq_report_award_reference_number UNIQUE (award_reference, number),
    CONSTRAINT ck_report_number_positive CHECK (number > 0),
    CONSTRAINT fk_report_award_reference FOREIGN KEY(award_reference) REFERENCES measurement_plan (award_reference),
    CONSTRAINT fk_report_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_report_state CHECK (state IN ('due', 'draft', 'submitted', 'queried', 'accepted')),
    CONSTRAINT fk_report_submitted_by_id FOREIGN KEY(submitted_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_report_state_due_on ON report (state, due_on)
;

CREATE INDEX ix_report_organisation_id ON report (organisation_id)
;

CREATE TABLE due_diligence_item (
    id INTEGER NOT NULL,
    due_diligence_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    result VARCHAR(40) NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_due_diligence_item PRIMARY KEY (id),
    CONSTRAINT uq_due_diligence_item_due_diligence_id_code UNIQUE (due_diligence_id, code),
    CONSTRAINT fk_due_diligence_item_due_diligence_id FOREIGN KEY(due_diligence_id) REFERENCES due_diligence (id),
    CONSTRAINT ck_due_diligence_item_result CHECK (result IN ('met', 'not_met', 'not_needed'))
)
;

CREATE TABLE payment_order (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    owner TEXT NOT NULL,
    grant_owner TEXT NOT NULL,
    payee_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    reference TEXT NOT NULL,
    description TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    ordered_at DATETIME NOT NULL,
    ordered_by_id INTEGER,
    file_id INTEGER,
    sent_at DATETIME,
    line_id INTEGER,
    confirmed_at DATETIME,
    failed_at DATETIME,
    failed_reason TEXT,
    CONSTRAINT pk_payment_order PRIMARY KEY (id),
    CONSTRAINT ck_payment_order_pays_something CHECK (pence > 0),
    CONSTRAINT uq_payment_order_key UNIQUE ("key"),
    CONSTRAINT fk_payment_order_payee_id FOREIGN KEY(payee_id) REFERENCES payee (id),
    CONSTRAINT ck_payment_order_state CHECK (state IN ('ready', 'sent', 'confirmed', 'failed')),
    CONSTRAINT fk_payment_order_file_id FOREIGN KEY(file_id) REFERENCES payment_file (id),
    CONSTRAINT fk_payment_order_line_id FOREIGN KEY(line_id) REFERENCES statement_line (id)
)
;

CREATE INDEX ix_payment_order_file_id ON payment_order (file_id)
;

CREATE INDEX ix_payment_order_state ON payment_order (state, id)
;

CREATE UNIQUE INDEX uq_payment_order_line ON payment_order (line_id) WHERE line_id IS NOT NULL
;

CREATE TABLE receipt (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    pledge_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    received_on DATE NOT NULL,
    statement_line_id INTEGER NOT NULL,
    transfer_id INTEGER NOT NULL,
    issued_at DATETIME NOT NULL,
    issued_by_id INTEGER,
    CONSTRAINT pk_receipt PRIMARY KEY (id),
    CONSTRAINT ck_receipt_something_came CHECK (pence > 0),
    CONSTRAINT uq_receipt_reference UNIQUE (reference),
    CONSTRAINT fk_receipt_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_receipt_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id),
    CONSTRAINT uq_receipt_statement_line_id UNIQUE (statement_line_id),
    CONSTRAINT fk_receipt_statement_line_id FOREIGN KEY(statement_line_id) REFERENCES statement_line (id),
    CONSTRAINT fk_receipt_issued_by_id FOREIGN KEY(issued_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_receipt_received_on ON receipt (received_on)
;

CREATE INDEX ix_receipt_pledge_id ON receipt (pledge_id)
;

CREATE INDEX ix_receipt_organisation_id ON receipt (organisation_id)
;

CREATE TABLE answer (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    question TEXT NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    saved_at DATETIME NOT NULL,
    saved_by_id INTEGER NOT NULL,
    CONSTRAINT pk_answer PRIMARY KEY (id),
    CONSTRAINT uq_answer_proposal_id_question UNIQUE (proposal_id, question),
    CONSTRAINT fk_answer_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_answer_saved_by_id FOREIGN KEY(saved_by_id) REFERENCES person (id)
)
;

CREATE TABLE budget_line (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    heading TEXT NOT NULL,
    amount_pence BIGINT NOT NULL,
    grant_pence BIGINT NOT NULL,
    for_coproducers BOOLEAN NOT NULL,
    CONSTRAINT pk_budget_line PRIMARY KEY (id),
    CONSTRAINT uq_budget_line_proposal_id_position UNIQUE (proposal_id, position),
    CONSTRAINT ck_budget_line_amount_above_nought CHECK (amount_pence > 0),
    CONSTRAINT ck_budget_line_grant_within_amount CHECK (grant_pence >= 0 AND grant_pence <= amount_pence),
    CONSTRAINT fk_budget_line_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id)
)
;

CREATE TABLE partner (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    is_lead BOOLEAN NOT NULL,
    role VARCHAR(40),
    contribution_kind VARCHAR(40),
    contribution_description TEXT NOT NULL,
    contribution_pence BIGINT,
    valuation_basis TEXT NOT NULL,
    grant_share_pence BIGINT,
    principles_version TEXT,
    invited_at DATETIME NOT NULL,
    invited_by_id INTEGER NOT NULL,
    confirmed_at DATETIME,
    confirmed_by_id INTEGER,
    confirmed_terms TEXT,
    voided_at DATETIME,
    void_reason TEXT,
    withdrawn_at DATETIME,
    withdrawn_reason TEXT,
    CONSTRAINT pk_partner PRIMARY KEY (id),
    CONSTRAINT ck_partner_no_money_below_nought CHECK (contribution_pence >= 0 AND grant_share_pence >= 0),
    CONSTRAINT fk_partner_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_partner_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_partner_role CHECK (role IN ('lead', 'deliver', 'fund', 'host', 'decide_or_commission', 'evaluate', 'advise')),
    CONSTRAINT ck_partner_contribution_kind CHECK (contribution_kind IN ('cash', 'staff_time', 'space', 'equipment', 'expertise', 'data', 'volunteering')),
    CONSTRAINT fk_partner_invited_by_id FOREIGN KEY(invited_by_id) REFERENCES person (id),
    CONSTRAINT fk_partner_confirmed_by_id FOREIGN KEY(confirmed_by_id) REFERENCES person (id)
)
;

CREATE UNIQUE INDEX uq_partner_current ON partner (proposal_id, organisation_id) WHERE withdrawn_at IS NULL
;

CREATE INDEX ix_partner_organisation_id ON partner (organisation_id)
;

CREATE TABLE proposal_version (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    content TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    requested_pence BIGINT NOT NULL,
    submitted_at DATETIME NOT NULL,
    submitted_by_id INTEGER NOT NULL,
    CONSTRAINT pk_proposal_version PRIMARY KEY (id),
    CONSTRAINT uq_proposal_version_proposal_id_number UNIQUE (proposal_id, number),
    CONSTRAINT fk_proposal_version_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_proposal_version_submitted_by_id FOREIGN KEY(submitted_by_id) REFERENCES person (id)
)
;

CREATE TABLE roll_entry (
    id INTEGER NOT NULL,
    ballot_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    name TEXT NOT NULL,
    sector VARCHAR(40) NOT NULL,
    group_id INTEGER,
    votes_through TEXT,
    CONSTRAINT pk_roll_entry PRIMARY KEY (id),
    CONSTRAINT uq_roll_entry_ballot_id_organisation_id UNIQUE (ballot_id, organisation_id),
    CONSTRAINT fk_roll_entry_ballot_id FOREIGN KEY(ballot_id) REFERENCES ballot (id),
    CONSTRAINT fk_roll_entry_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_roll_entry_sector CHECK (sector IN ('private', 'public', 'vcse'))
)
;

CREATE INDEX ix_roll_entry_organisation_id ON roll_entry (organisation_id)
;

CREATE TABLE ballot_void (
    ballot_id INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    asked_by_id INTEGER NOT NULL,
    asked_at DATETIME NOT NULL,
    seconded_by_id INTEGER,
    seconded_at DATETIME,
    CONSTRAINT pk_ballot_void PRIMARY KEY (ballot_id),
    CONSTRAINT fk_ballot_void_ballot_id FOREIGN KEY(ballot_id) REFERENCES ballot (id),
    CONSTRAINT fk_ballot_void_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id),
    CONSTRAINT fk_ballot_void_seconded_by_id FOREIGN KEY(seconded_by_id) REFERENCES person (id)
)
;

CREATE TABLE engagement_activity (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    "on" DATE NOT NULL,
    method TEXT NOT NULL,
    place TEXT NOT NULL,
    people INTEGER NOT NULL,
    carers INTEGER NOT NULL,
    staff INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_engagement_activity PRIMARY KEY (id),
    CONSTRAINT ck_engagement_activity_no_count_below_nought CHECK (people >= 0 AND carers >= 0 AND staff >= 0),
    CONSTRAINT fk_engagement_activity_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id)
)
;

CREATE INDEX ix_engagement_activity_proposal_id ON engagement_activity (proposal_id)
;

CREATE TABLE heard_change (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    heard TEXT NOT NULL,
    changed TEXT NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_heard_change PRIMARY KEY (id),
    CONSTRAINT fk_heard_change_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id)
)
;

CREATE INDEX ix_heard_change_proposal_id ON heard_change (proposal_id)
;

CREATE TABLE phase_level (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    phase VARCHAR(40) NOT NULL,
    level INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_phase_level PRIMARY KEY (id),
    CONSTRAINT uq_phase_level_proposal_id_phase UNIQUE (proposal_id, phase),
    CONSTRAINT ck_phase_level_level_on_the_ladder CHECK (level BETWEEN 0 AND 6),
    CONSTRAINT fk_phase_level_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT ck_phase_level_phase CHECK (phase IN ('define', 'design', 'decide', 'deliver', 'review'))
)
;

CREATE TABLE card_request (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    cards INTEGER NOT NULL,
    "where" TEXT NOT NULL,
    asked_at DATETIME NOT NULL,
    asked_by_id INTEGER NOT NULL,
    met_at DATETIME,
    CONSTRAINT pk_card_request PRIMARY KEY (id),
    CONSTRAINT fk_card_request_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_card_request_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_card_request_proposal_id ON card_request (proposal_id)
;

CREATE TABLE code_batch (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    cards INTEGER NOT NULL,
    help_phone TEXT NOT NULL,
    issued_at DATETIME NOT NULL,
    issued_by_id INTEGER NOT NULL,
    spoilt_at DATETIME,
    spoilt_reason TEXT,
    CONSTRAINT pk_code_batch PRIMARY KEY (id),
    CONSTRAINT fk_code_batch_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_code_batch_issued_by_id FOREIGN KEY(issued_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_code_batch_proposal_id ON code_batch (proposal_id)
;

CREATE TABLE safeguarding_concern (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    told TEXT NOT NULL,
    reach_me TEXT NOT NULL,
    raised_at DATETIME NOT NULL,
    closed_at DATETIME,
    closed_by_id INTEGER,
    outcome TEXT,
    CONSTRAINT pk_safeguarding_concern PRIMARY KEY (id),
    CONSTRAINT fk_safeguarding_concern_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_safeguarding_concern_closed_by_id FOREIGN KEY(closed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_safeguarding_concern_proposal_id ON safeguarding_concern (proposal_id)
;

CREATE INDEX ix_safeguarding_concern_closed_at ON safeguarding_concern (closed_at)
;

CREATE TABLE commitment (
    id INTEGER NOT NULL,
    award_reference TEXT NOT NULL,
    measure_id INTEGER NOT NULL,
    baseline_scaled BIGINT,
    intention_scaled BIGINT,
    committed_at DATETIME NOT NULL,
    committed_by_id INTEGER,
    CONSTRAINT pk_commitment PRIMARY KEY (id),
    CONSTRAINT uq_commitment_award_reference_measure_id UNIQUE (award_reference, measure_id),
    CONSTRAINT fk_commitment_award_reference FOREIGN KEY(award_reference) REFERENCES measurement_plan (award_reference),
    CONSTRAINT fk_commitment_measure_id FOREIGN KEY(measure_id) REFERENCES framework_measure (id),
    CONSTRAINT fk_commitment_committed_by_id FOREIGN KEY(committed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_commitment_measure_id ON commitment (measure_id)
;

CREATE TABLE report_review (
    id INTEGER NOT NULL,
    report_id INTEGER NOT NULL,
    decision VARCHAR(40) NOT NULL,
    words TEXT NOT NULL,
    at DATETIME NOT NULL,
    reviewer_id INTEGER NOT NULL,
    CONSTRAINT pk_report_review PRIMARY KEY (id),
    CONSTRAINT fk_report_review_report_id FOREIGN KEY(report_id) REFERENCES report (id),
    CONSTRAINT ck_report_review_decision CHECK (decision IN ('queried', 'accepted')),
    CONSTRAINT fk_report_review_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES person (id)
)
;

CREATE INDEX ix_report_review_report_id ON report_review (report_id)
;

CREATE TABLE report_why_none (
    id INTEGER NOT NULL,
    report_id INTEGER NOT NULL,
    outcome_id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_report_why_none PRIMARY KEY (id),
    CONSTRAINT uq_report_why_none_report_id_outcome_id_kind UNIQUE (report_id, outcome_id, kind),
    CONSTRAINT fk_report_why_none_report_id FOREIGN KEY(report_id) REFERENCES report (id),
    CONSTRAINT fk_report_why_none_outcome_id FOREIGN KEY(outcome_id) REFERENCES framework_outcome (id),
    CONSTRAINT ck_report_why_none_kind CHECK (kind IN ('reading', 'story'))
)
;

CREATE TABLE evidence_item (
    id INTEGER NOT NULL,
    report_id INTEGER NOT NULL,
    outcome_id INTEGER NOT NULL,
    measure_id INTEGER,
    kind VARCHAR(40) NOT NULL,
    state VARCHAR(40) NOT NULL,
    district TEXT,
    made_at DATETIME NOT NULL,
    made_by_id INTEGER,
    published_at DATETIME,
    CONSTRAINT pk_evidence_item PRIMARY KEY (id),
    CONSTRAINT fk_evidence_item_report_id FOREIGN KEY(report_id) REFERENCES report (id),
    CONSTRAINT ck_evidence_item_reading_has_measure CHECK ((kind = 'reading') = (measure_id IS NOT NULL)),
    CONSTRAINT fk_evidence_item_outcome_id FOREIGN KEY(outcome_id) REFERENCES framework_outcome (id),
    CONSTRAINT fk_evidence_item_measure_id FOREIGN KEY(measure_id) REFERENCES framework_measure (id),
    CONSTRAINT ck_evidence_item_kind CHECK (kind IN ('reading', 'story')),
    CONSTRAINT ck_evidence_item_state CHECK (state IN ('draft', 'submitted', 'queried', 'accepted', 'published', 'withdrawn')),
    CONSTRAINT fk_evidence_item_made_by_id FOREIGN KEY(made_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_evidence_item_state_kind ON evidence_item (state, kind, id)
;

CREATE INDEX ix_evidence_item_report_id ON evidence_item (report_id)
;

CREATE INDEX ix_evidence_item_measure_id ON evidence_item (measure_id)
;

CREATE INDEX ix_evidence_item_outcome_id ON evidence_item (outcome_id)
;

CREATE UNIQUE INDEX uq_evidence_item_reading ON evidence_item (report_id, measure_id) WHERE kind = 'reading'
;

CREATE TABLE assessment (
    id INTEGER NOT NULL,
    version_id INTEGER NOT NULL,
    assessor_id INTEGER NOT NULL,
    lived_experience BOOLEAN NOT NULL,
    "conflict" TEXT NOT NULL,
    declared_at DATETIME NOT NULL,
    g1_score INTEGER,
    g2_score INTEGER,
    g3_score INTEGER,
    g4_score INTEGER,
    g1_reasons TEXT NOT NULL,
    g2_reasons TEXT NOT NULL,
    g3_reasons TEXT NOT NULL,
    g4_reasons TEXT NOT NULL,
    found_level INTEGER,
    revision INTEGER NOT NULL,
    saved_at DATETIME,
    submitted_at DATETIME,
    CONSTRAINT pk_assessment PRIMARY KEY (id),
    CONSTRAINT uq_assessment_version_id_assessor_id UNIQUE (version_id, assessor_id),
    CONSTRAINT ck_assessment_scores_nought_to_four CHECK ((g1_score IS NULL OR g1_score BETWEEN 0 AND 4) AND (g2_score IS NULL OR g2_score BETWEEN 0 AND 4) AND (g3_score IS NULL OR g3_score BETWEEN 0 AND 4) AND (g4_score IS NULL OR g4_score BETWEEN 0 AND 4)),
    CONSTRAINT ck_assessment_level_on_the_ladder CHECK (found_level IS NULL OR found_level BETWEEN 0 AND 6),
    CONSTRAINT ck_assessment_no_scores_with_a_conflict CHECK (conflict = '' OR submitted_at IS NULL),
    CONSTRAINT fk_assessment_version_id FOREIGN KEY(version_id) REFERENCES proposal_version (id),
    CONSTRAINT fk_assessment_assessor_id FOREIGN KEY(assessor_id) REFERENCES person (id)
)
;

CREATE INDEX ix_assessment_assessor_id_submitted_at ON assessment (assessor_id, submitted_at)
;

CREATE TABLE moderation (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    version_id INTEGER NOT NULL,
    held_on DATE NOT NULL,
    took_part TEXT NOT NULL,
    notes TEXT NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    recorded_at DATETIME NOT NULL,
    recorded_by_id INTEGER NOT NULL,
    CONSTRAINT pk_moderation PRIMARY KEY (id),
    CONSTRAINT fk_moderation_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_moderation_version_id FOREIGN KEY(version_id) REFERENCES proposal_version (id),
    CONSTRAINT ck_moderation_outcome CHECK (outcome IN ('score_again', 'stands')),
    CONSTRAINT fk_moderation_recorded_by_id FOREIGN KEY(recorded_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_moderation_proposal_id ON moderation (proposal_id)
;

CREATE INDEX ix_moderation_version_id ON moderation (version_id)
;

CREATE TABLE ballot_item (
    id INTEGER NOT NULL,
    ballot_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    proposal_reference TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    version_number INTEGER NOT NULL,
    version_sha256 TEXT NOT NULL,
    title TEXT NOT NULL,
    lead_name TEXT NOT NULL,
    summary TEXT NOT NULL,
    requested_pence BIGINT NOT NULL,
    assessment TEXT,
    submitted_at DATETIME NOT NULL,
    CONSTRAINT pk_ballot_item PRIMARY KEY (id),
    CONSTRAINT uq_ballot_item_ballot_id_proposal_id UNIQUE (ballot_id, proposal_id),
    CONSTRAINT uq_ballot_item_ballot_id_number UNIQUE (ballot_id, number),
    CONSTRAINT fk_ballot_item_ballot_id FOREIGN KEY(ballot_id) REFERENCES ballot (id),
    CONSTRAINT fk_ballot_item_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_ballot_item_version_id FOREIGN KEY(version_id) REFERENCES proposal_version (id)
)
;

CREATE INDEX ix_ballot_item_proposal_id ON ballot_item (proposal_id)
;

CREATE TABLE conflict_declaration (
    id INTEGER NOT NULL,
    ballot_id INTEGER NOT NULL,
    roll_entry_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    declared_at DATETIME NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_conflict_declaration PRIMARY KEY (id),
    CONSTRAINT fk_conflict_declaration_ballot_id FOREIGN KEY(ballot_id) REFERENCES ballot (id),
    CONSTRAINT fk_conflict_declaration_roll_entry_id FOREIGN KEY(roll_entry_id) REFERENCES roll_entry (id),
    CONSTRAINT fk_conflict_declaration_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE INDEX ix_conflict_declaration_ballot_id ON conflict_declaration (ballot_id)
;

CREATE INDEX ix_conflict_declaration_roll_entry_person ON conflict_declaration (roll_entry_id, person_id)
;

CREATE TABLE lever (
    id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    today TEXT NOT NULL,
    "after" TEXT NOT NULL,
    owner_partner_id INTEGER,
    revision INTEGER NOT NULL,
    confirmed_at DATETIME,
    confirmed_by_id INTEGER,
    confirmed_terms TEXT,
    voided_at DATETIME,
    CONSTRAINT pk_lever PRIMARY KEY (id),
    CONSTRAINT fk_lever_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT ck_lever_kind CHECK (kind IN ('rules', 'commissioning', 'money_flows', 'practice', 'relationships', 'power', 'mindsets')),
    CONSTRAINT fk_lever_owner_partner_id FOREIGN KEY(owner_partner_id) REFERENCES partner (id),
    CONSTRAINT fk_lever_confirmed_by_id FOREIGN KEY(confirmed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_lever_owner_partner_id ON lever (owner_partner_id)
;

CREATE INDEX ix_lever_proposal_id ON lever (proposal_id)
;

CREATE TABLE attestation_code (
    id INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT pk_attestation_code PRIMARY KEY (id),
    CONSTRAINT fk_attestation_code_batch_id FOREIGN KEY(batch_id) REFERENCES code_batch (id),
    CONSTRAINT uq_attestation_code_digest UNIQUE (digest)
)
;

CREATE INDEX ix_attestation_code_batch_id ON attestation_code (batch_id)
;

CREATE TABLE reading (
    id INTEGER NOT NULL,
    value_scaled BIGINT NOT NULL,
    basis VARCHAR(40) NOT NULL,
    attribution_percent INTEGER NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_reading PRIMARY KEY (id),
    CONSTRAINT ck_reading_attribution CHECK (attribution_percent BETWEEN 0 AND 100),
    CONSTRAINT fk_reading_id FOREIGN KEY(id) REFERENCES evidence_item (id),
    CONSTRAINT ck_reading_basis CHECK (basis IN ('counted', 'estimated', 'sampled'))
)
;

CREATE TABLE story (
    id INTEGER NOT NULL,
    title TEXT NOT NULL,
    "before" TEXT NOT NULL,
    changed TEXT NOT NULL,
    matters TEXT NOT NULL,
    voice VARCHAR(40) NOT NULL,
    relation TEXT NOT NULL,
    consent_by TEXT NOT NULL,
    consent_how VARCHAR(40),
    use_fund BOOLEAN NOT NULL,
    use_members BOOLEAN NOT NULL,
    use_public BOOLEAN NOT NULL,
    use_press BOOLEAN NOT NULL,
    named BOOLEAN NOT NULL,
    shown_name TEXT NOT NULL,
    review_on DATE,
    code_hash TEXT NOT NULL,
    withdrawn_at DATETIME,
    CONSTRAINT pk_story PRIMARY KEY (id),
    CONSTRAINT ck_story_named CHECK (NOT named OR use_fund OR use_members OR use_public OR use_press),
    CONSTRAINT fk_story_id FOREIGN KEY(id) REFERENCES evidence_item (id),
    CONSTRAINT ck_story_voice CHECK (voice IN ('own_words', 'told_by_another')),
    CONSTRAINT ck_story_consent_how CHECK (consent_how IN ('signed_form', 'written_message', 'recorded_voice', 'said_to_worker')),
    CONSTRAINT uq_story_code_hash UNIQUE (code_hash)
)
;

CREATE TABLE award (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    proposal_id INTEGER NOT NULL,
    version_id INTEGER NOT NULL,
    ballot_item_id INTEGER NOT NULL,
    ballot_reference TEXT NOT NULL,
    lead_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    pence BIGINT NOT NULL,
    state VARCHAR(40) NOT NULL,
    start_on DATE NOT NULL,
    end_on DATE NOT NULL,
    basis VARCHAR(40) NOT NULL,
    special_conditions TEXT NOT NULL,
    offered_at DATETIME NOT NULL,
    offered_by_id INTEGER NOT NULL,
    offer_lapses_at DATETIME NOT NULL,
    answered_at DATETIME,
    answered_by_id INTEGER,
    answer_note TEXT,
    CONSTRAINT pk_award PRIMARY KEY (id),
    CONSTRAINT ck_award_pence_positive CHECK (pence > 0),
    CONSTRAINT ck_award_ends_after_start CHECK (end_on > start_on),
    CONSTRAINT uq_award_reference UNIQUE (reference),
    CONSTRAINT fk_award_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT fk_award_version_id FOREIGN KEY(version_id) REFERENCES proposal_version (id),
    CONSTRAINT uq_award_ballot_item_id UNIQUE (ballot_item_id),
    CONSTRAINT fk_award_ballot_item_id FOREIGN KEY(ballot_item_id) REFERENCES ballot_item (id),
    CONSTRAINT fk_award_lead_id FOREIGN KEY(lead_id) REFERENCES organisation (id),
    CONSTRAINT ck_award_state CHECK (state IN ('offered', 'accepted', 'declined', 'lapsed')),
    CONSTRAINT ck_award_basis CHECK (basis IN ('each_partner', 'through_lead')),
    CONSTRAINT fk_award_offered_by_id FOREIGN KEY(offered_by_id) REFERENCES person (id),
    CONSTRAINT fk_award_answered_by_id FOREIGN KEY(answered_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_award_proposal_id ON award (proposal_id)
;

CREATE INDEX ix_award_lead_id ON award (lead_id)
;

CREATE INDEX ix_award_state ON award (state, offer_lapses_at)
;

CREATE TABLE automatic_conflict (
    item_id INTEGER NOT NULL,
    roll_entry_id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    CONSTRAINT pk_automatic_conflict PRIMARY KEY (item_id, roll_entry_id),
    CONSTRAINT fk_automatic_conflict_item_id FOREIGN KEY(item_id) REFERENCES ballot_item (id),
    CONSTRAINT fk_automatic_conflict_roll_entry_id FOREIGN KEY(roll_entry_id) REFERENCES roll_entry (id),
    CONSTRAINT ck_automatic_conflict_kind CHECK (kind IN ('partner', 'connected', 'declared'))
)
;

CREATE TABLE declared_conflict (
    declaration_id INTEGER NOT NULL,
    item_id INTEGER NOT NULL,
    CONSTRAINT pk_declared_conflict PRIMARY KEY (declaration_id, item_id),
    CONSTRAINT fk_declared_conflict_declaration_id FOREIGN KEY(declaration_id) REFERENCES conflict_declaration (id),
    CONSTRAINT fk_declared_conflict_item_id FOREIGN KEY(item_id) REFERENCES ballot_item (id)
)
;

CREATE TABLE vote (
    item_id INTEGER NOT NULL,
    roll_entry_id INTEGER NOT NULL,
    choice VARCHAR(40) NOT NULL,
    reason TEXT NOT NULL,
    cast_by_id INTEGER NOT NULL,
    cast_at DATETIME NOT NULL,
    sequence INTEGER NOT NULL,
    CONSTRAINT pk_vote PRIMARY KEY (item_id, roll_entry_id),
    CONSTRAINT fk_vote_item_id FOREIGN KEY(item_id) REFERENCES ballot_item (id),
    CONSTRAINT fk_vote_roll_entry_id FOREIGN KEY(roll_entry_id) REFERENCES roll_entry (id),
    CONSTRAINT ck_vote_choice CHECK (choice IN ('for', 'against', 'abstain')),
    CONSTRAINT fk_vote_cast_by_id FOREIGN KEY(cast_by_id) REFERENCES person (id)
)
;

CREATE TABLE vote_change (
    id INTEGER NOT NULL,
    item_id INTEGER NOT NULL,
    roll_entry_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    choice VARCHAR(40) NOT NULL,
    reason TEXT NOT NULL,
    cast_by_id INTEGER NOT NULL,
    cast_at DATETIME NOT NULL,
    CONSTRAINT pk_vote_change PRIMARY KEY (id),
    CONSTRAINT uq_vote_change_item_id_roll_entry_id_sequence UNIQUE (item_id, roll_entry_id, sequence),
    CONSTRAINT fk_vote_change_item_id FOREIGN KEY(item_id) REFERENCES ballot_item (id),
    CONSTRAINT fk_vote_change_roll_entry_id FOREIGN KEY(roll_entry_id) REFERENCES roll_entry (id),
    CONSTRAINT ck_vote_change_choice CHECK (choice IN ('for', 'against', 'abstain')),
    CONSTRAINT fk_vote_change_cast_by_id FOREIGN KEY(cast_by_id) REFERENCES person (id)
)
;

CREATE TABLE item_result (
    item_id INTEGER NOT NULL,
    verdict VARCHAR(40) NOT NULL,
    passed BOOLEAN NOT NULL,
    funded BOOLEAN NOT NULL,
    reserve BOOLEAN NOT NULL,
    place INTEGER,
    outcome JSON NOT NULL,
    explanation TEXT NOT NULL,
    counted_at DATETIME NOT NULL,
    CONSTRAINT pk_item_result PRIMARY KEY (item_id),
    CONSTRAINT ck_item_result_funded_or_reserve CHECK (NOT (funded AND reserve)),
    CONSTRAINT fk_item_result_item_id FOREIGN KEY(item_id) REFERENCES ballot_item (id),
    CONSTRAINT ck_item_result_verdict CHECK (verdict IN ('passed', 'failed', 'inquorate'))
)
;

CREATE TABLE attestation (
    id INTEGER NOT NULL,
    code_id INTEGER NOT NULL,
    proposal_id INTEGER NOT NULL,
    who VARCHAR(40) NOT NULL,
    took_part VARCHAR(40) NOT NULL,
    changed VARCHAR(40) NOT NULL,
    decisions VARCHAR(40) NOT NULL,
    offered VARCHAR(40) NOT NULL,
    verdict VARCHAR(40) NOT NULL,
    told TEXT NOT NULL,
    revision INTEGER NOT NULL,
    answered_at DATETIME NOT NULL,
    changed_at DATETIME,
    withdrawn_at DATETIME,
    text_withdrawn_at DATETIME,
    looked_into_at DATETIME,
    looked_into_by_id INTEGER,
    looked_into_note TEXT,
    CONSTRAINT pk_attestation PRIMARY KEY (id),
    CONSTRAINT uq_attestation_code_id UNIQUE (code_id),
    CONSTRAINT fk_attestation_code_id FOREIGN KEY(code_id) REFERENCES attestation_code (id),
    CONSTRAINT fk_attestation_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT ck_attestation_who CHECK (who IN ('myself', 'helper_family', 'helper_advocate', 'helper_fund', 'helper_partner_staff', 'staff')),
    CONSTRAINT ck_attestation_took_part CHECK (took_part IN ('meetings', 'conversation', 'planning', 'other', 'no')),
    CONSTRAINT ck_attestation_changed CHECK (changed IN ('yes', 'partly', 'no', 'unsure')),
    CONSTRAINT ck_attestation_decisions CHECK (decisions IN ('join', 'see', 'neither', 'unsure')),
    CONSTRAINT ck_attestation_offered CHECK (offered IN ('payment', 'expenses', 'no', 'unsure')),
    CONSTRAINT ck_attestation_verdict CHECK (verdict IN ('agree', 'disagree')),
    CONSTRAINT fk_attestation_looked_into_by_id FOREIGN KEY(looked_into_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_attestation_proposal_id_answered_at ON attestation (proposal_id, answered_at)
;

CREATE TABLE award_share (
    id INTEGER NOT NULL,
    award_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    CONSTRAINT pk_award_share PRIMARY KEY (id),
    CONSTRAINT uq_award_share_award_id_organisation_id UNIQUE (award_id, organisation_id),
    CONSTRAINT ck_award_share_pence_positive CHECK (pence > 0),
    CONSTRAINT fk_award_share_award_id FOREIGN KEY(award_id) REFERENCES award (id),
    CONSTRAINT fk_award_share_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_award_share_organisation_id ON award_share (organisation_id)
;

CREATE TABLE instalment (
    id INTEGER NOT NULL,
    award_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    due_on DATE NOT NULL,
    after_report_number INTEGER,
    state VARCHAR(40) NOT NULL,
    attempt INTEGER NOT NULL,
    prepared_by_id INTEGER,
    prepared_at DATETIME,
    prepared_sha256 TEXT,
    ordered_at DATETIME,
    CONSTRAINT pk_instalment PRIMARY KEY (id),
    CONSTRAINT uq_instalment_award_id_number UNIQUE (award_id, number),
    CONSTRAINT ck_instalment_pence_positive CHECK (pence > 0),
    CONSTRAINT fk_instalment_award_id FOREIGN KEY(award_id) REFERENCES award (id),
    CONSTRAINT fk_instalment_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_instalment_state CHECK (state IN ('scheduled', 'due', 'ordered')),
    CONSTRAINT fk_instalment_prepared_by_id FOREIGN KEY(prepared_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_instalment_organisation_id ON instalment (organisation_id)
;

CREATE INDEX ix_instalment_state_due_on ON instalment (state, due_on)
;

CREATE TABLE agreement (
    id INTEGER NOT NULL,
    award_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    made_at DATETIME NOT NULL,
    signed_at DATETIME,
    live_at DATETIME,
    live_by_id INTEGER,
    CONSTRAINT pk_agreement PRIMARY KEY (id),
    CONSTRAINT uq_agreement_award_id_number UNIQUE (award_id, number),
    CONSTRAINT fk_agreement_award_id FOREIGN KEY(award_id) REFERENCES award (id),
    CONSTRAINT ck_agreement_state CHECK (state IN ('draft', 'signed', 'live', 'varied', 'suspended', 'ended', 'replaced')),
    CONSTRAINT fk_agreement_live_by_id FOREIGN KEY(live_by_id) REFERENCES person (id)
)
;

CREATE UNIQUE INDEX uq_agreement_current ON agreement (award_id) WHERE state <> 'replaced'
;

CREATE TABLE subsidy_record (
    id INTEGER NOT NULL,
    award_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    pence BIGINT NOT NULL,
    route VARCHAR(40) NOT NULL,
    reasons TEXT NOT NULL,
    recorded_by_id INTEGER NOT NULL,
    recorded_by_name TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    notified_at DATETIME,
    answer VARCHAR(40),
    answered_at DATETIME,
    answered_by_id INTEGER,
    answered_by_name TEXT,
    answer_note TEXT,
    given_on DATE,
    confirmed_at DATETIME,
    confirmed_by_id INTEGER,
    replaced_at DATETIME,
    CONSTRAINT pk_subsidy_record PRIMARY KEY (id),
    CONSTRAINT fk_subsidy_record_award_id FOREIGN KEY(award_id) REFERENCES award (id),
    CONSTRAINT fk_subsidy_record_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_subsidy_record_route CHECK (route IN ('not_a_subsidy', 'mfa', 'spei', 'under_scheme', 'other_exempt', 'full_assessment')),
    CONSTRAINT fk_subsidy_record_recorded_by_id FOREIGN KEY(recorded_by_id) REFERENCES person (id),
    CONSTRAINT ck_subsidy_record_answer CHECK (answer IN ('confirmed', 'declined')),
    CONSTRAINT fk_subsidy_record_answered_by_id FOREIGN KEY(answered_by_id) REFERENCES person (id),
    CONSTRAINT fk_subsidy_record_confirmed_by_id FOREIGN KEY(confirmed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_subsidy_record_organisation_id ON subsidy_record (organisation_id)
;

CREATE UNIQUE INDEX uq_subsidy_record_current ON subsidy_record (award_id, organisation_id) WHERE replaced_at IS NULL
;

CREATE TABLE approval (
    id INTEGER NOT NULL,
    instalment_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    person_name TEXT NOT NULL,
    approved_at DATETIME NOT NULL,
    sha256 TEXT NOT NULL,
    CONSTRAINT pk_approval PRIMARY KEY (id),
    CONSTRAINT uq_approval_instalment_id_person_id_sha256 UNIQUE (instalment_id, person_id, sha256),
    CONSTRAINT fk_approval_instalment_id FOREIGN KEY(instalment_id) REFERENCES instalment (id),
    CONSTRAINT fk_approval_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE TABLE signature (
    id INTEGER NOT NULL,
    agreement_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    organisation_name TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    person_name TEXT NOT NULL,
    signed_at DATETIME NOT NULL,
    sha256 TEXT NOT NULL,
    CONSTRAINT pk_signature PRIMARY KEY (id),
    CONSTRAINT uq_signature_agreement_id_organisation_id UNIQUE (agreement_id, organisation_id),
    CONSTRAINT fk_signature_agreement_id FOREIGN KEY(agreement_id) REFERENCES agreement (id),
    CONSTRAINT fk_signature_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_signature_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE TABLE prior_assistance (
    id INTEGER NOT NULL,
    subsidy_record_id INTEGER NOT NULL,
    given_on DATE NOT NULL,
    pence BIGINT NOT NULL,
    giver TEXT NOT NULL,
    CONSTRAINT pk_prior_assistance PRIMARY KEY (id),
    CONSTRAINT fk_prior_assistance_subsidy_record_id FOREIGN KEY(subsidy_record_id) REFERENCES subsidy_record (id)
)
;

CREATE INDEX ix_prior_assistance_subsidy_record_id ON prior_assistance (subsidy_record_id)
;
