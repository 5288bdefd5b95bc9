-- The tables of 0002 for SQLite, as they were laid down; never edited afterwards. Each statement ends with a line ";".
CREATE TABLE invitation_stop (
    email_key TEXT NOT NULL,
    asked_at DATETIME NOT NULL,
    CONSTRAINT pk_invitation_stop PRIMARY KEY (email_key)
)
;

CREATE TABLE rule_text (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    version TEXT NOT NULL,
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    recorded_by_id INTEGER,
    CONSTRAINT pk_rule_text PRIMARY KEY (id),
    CONSTRAINT uq_rule_text_key_version UNIQUE ("key", version)
)
;

CREATE TABLE authenticator_app (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    sealed_secret TEXT NOT NULL,
    last_step BIGINT,
    created_at DATETIME NOT NULL,
    confirmed_at DATETIME,
    ended_at DATETIME,
    CONSTRAINT pk_authenticator_app PRIMARY KEY (id),
    CONSTRAINT fk_authenticator_app_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE INDEX ix_authenticator_app_person_id ON authenticator_app (person_id)
;

CREATE UNIQUE INDEX uq_authenticator_app_current ON authenticator_app (person_id) WHERE confirmed_at IS NOT NULL AND ended_at IS NULL
;

CREATE TABLE contact_choice (
    id INTEGER NOT NULL,
    person_id INTEGER,
    address_hash TEXT,
    topic TEXT NOT NULL,
    mode VARCHAR(40) NOT NULL,
    chosen_at DATETIME NOT NULL,
    CONSTRAINT pk_contact_choice PRIMARY KEY (id),
    CONSTRAINT uq_contact_choice_person_id_topic UNIQUE (person_id, topic),
    CONSTRAINT uq_contact_choice_address_hash_topic UNIQUE (address_hash, topic),
    CONSTRAINT ck_contact_choice_one_reader CHECK ((person_id IS NULL) <> (address_hash IS NULL)),
    CONSTRAINT fk_contact_choice_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT ck_contact_choice_mode CHECK (mode IN ('at_once', 'digest', 'off'))
)
;

CREATE TABLE email_change (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    old_email TEXT NOT NULL,
    new_email TEXT NOT NULL,
    confirm_hash TEXT NOT NULL,
    undo_hash TEXT NOT NULL,
    asked_at DATETIME NOT NULL,
    confirmed_at DATETIME,
    undone_at DATETIME,
    CONSTRAINT pk_email_change PRIMARY KEY (id),
    CONSTRAINT fk_email_change_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT uq_email_change_confirm_hash UNIQUE (confirm_hash),
    CONSTRAINT uq_email_change_undo_hash UNIQUE (undo_hash)
)
;

CREATE INDEX ix_email_change_person_id ON email_change (person_id)
;

CREATE TABLE known_device (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    first_seen_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL,
    CONSTRAINT pk_known_device PRIMARY KEY (id),
    CONSTRAINT uq_known_device_person_id_token_hash UNIQUE (person_id, token_hash),
    CONSTRAINT fk_known_device_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE INDEX ix_known_device_last_seen_at ON known_device (last_seen_at)
;

CREATE INDEX ix_known_device_person_id ON known_device (person_id)
;

CREATE INDEX ix_known_device_token_hash ON known_device (token_hash)
;

CREATE TABLE letting_in (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    asked_by_id INTEGER NOT NULL,
    how_checked TEXT NOT NULL,
    asked_at DATETIME NOT NULL,
    decided_by_id INTEGER,
    decided_at DATETIME,
    is_granted BOOLEAN,
    second_check TEXT,
    CONSTRAINT pk_letting_in PRIMARY KEY (id),
    CONSTRAINT fk_letting_in_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT fk_letting_in_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id),
    CONSTRAINT fk_letting_in_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_letting_in_person_id ON letting_in (person_id)
;

CREATE UNIQUE INDEX uq_letting_in_open ON letting_in (person_id) WHERE decided_at IS NULL
;

CREATE TABLE officer_address (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    entered_by_id INTEGER NOT NULL,
    entered_at DATETIME NOT NULL,
    CONSTRAINT pk_officer_address PRIMARY KEY (id),
    CONSTRAINT fk_officer_address_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT fk_officer_address_entered_by_id FOREIGN KEY(entered_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_officer_address_person_id ON officer_address (person_id)
;

CREATE TABLE passkey (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    credential_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    sign_count BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    last_used_at DATETIME,
    ended_at DATETIME,
    CONSTRAINT pk_passkey PRIMARY KEY (id),
    CONSTRAINT fk_passkey_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT uq_passkey_credential_id UNIQUE (credential_id)
)
;

CREATE INDEX ix_passkey_person_id ON passkey (person_id)
;

CREATE TABLE passkey_challenge (
    id INTEGER NOT NULL,
    challenge TEXT NOT NULL,
    person_id INTEGER,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_passkey_challenge PRIMARY KEY (id),
    CONSTRAINT uq_passkey_challenge_challenge UNIQUE (challenge),
    CONSTRAINT fk_passkey_challenge_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE INDEX ix_passkey_challenge_expires_at ON passkey_challenge (expires_at)
;

CREATE TABLE privacy_request (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    wish VARCHAR(40) NOT NULL,
    words TEXT NOT NULL,
    "before" TEXT,
    "after" TEXT,
    asked_at DATETIME NOT NULL,
    asked_by_id INTEGER NOT NULL,
    agreed BOOLEAN,
    reasons TEXT,
    decided_at DATETIME,
    decided_by_id INTEGER,
    confirmed_at DATETIME,
    confirmed_by_id INTEGER,
    done_at DATETIME,
    CONSTRAINT pk_privacy_request PRIMARY KEY (id),
    CONSTRAINT fk_privacy_request_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT ck_privacy_request_wish CHECK (wish IN ('copy', 'correction', 'erasure')),
    CONSTRAINT fk_privacy_request_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id),
    CONSTRAINT fk_privacy_request_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id),
    CONSTRAINT fk_privacy_request_confirmed_by_id FOREIGN KEY(confirmed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_privacy_request_done_at ON privacy_request (done_at)
;

CREATE INDEX ix_privacy_request_person_id ON privacy_request (person_id)
;

CREATE UNIQUE INDEX uq_privacy_request_open ON privacy_request (person_id, wish) WHERE done_at IS NULL
;

CREATE TABLE prospect_import (
    id INTEGER NOT NULL,
    filename TEXT NOT NULL,
    sent_at DATETIME NOT NULL,
    sent_by_id INTEGER NOT NULL,
    rows JSON,
    taken_at DATETIME,
    new_count INTEGER,
    changed_count INTEGER,
    CONSTRAINT pk_prospect_import PRIMARY KEY (id),
    CONSTRAINT fk_prospect_import_sent_by_id FOREIGN KEY(sent_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_prospect_import_sent_at ON prospect_import (sent_at)
;

CREATE TABLE recovery_code (
    id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    code_hash TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    used_at DATETIME,
    CONSTRAINT pk_recovery_code PRIMARY KEY (id),
    CONSTRAINT uq_recovery_code_person_id_number UNIQUE (person_id, number),
    CONSTRAINT fk_recovery_code_person_id FOREIGN KEY(person_id) REFERENCES person (id)
)
;

CREATE TABLE rules_clause (
    id INTEGER NOT NULL,
    matter TEXT NOT NULL,
    clause TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    recorded_by_id INTEGER NOT NULL,
    CONSTRAINT pk_rules_clause PRIMARY KEY (id),
    CONSTRAINT fk_rules_clause_recorded_by_id FOREIGN KEY(recorded_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_rules_clause_matter ON rules_clause (matter)
;

CREATE TABLE setting_change (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    "key" TEXT NOT NULL,
    tier VARCHAR(40) NOT NULL,
    state VARCHAR(40) NOT NULL,
    "before" TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    resolution TEXT NOT NULL,
    resolution_link TEXT NOT NULL,
    effective_from DATETIME,
    entered_at DATETIME NOT NULL,
    entered_by_id INTEGER NOT NULL,
    CONSTRAINT pk_setting_change PRIMARY KEY (id),
    CONSTRAINT uq_setting_change_reference UNIQUE (reference),
    CONSTRAINT ck_setting_change_tier CHECK (tier IN ('rules', 'policy', 'board', 'steward', 'fixed')),
    CONSTRAINT ck_setting_change_state CHECK (state IN ('proposed', 'confirmed', 'drafted', 'resolved', 'sent', 'registered', 'withdrawn')),
    CONSTRAINT fk_setting_change_entered_by_id FOREIGN KEY(entered_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_setting_change_key ON setting_change ("key")
;

CREATE INDEX ix_setting_change_state ON setting_change (state)
;

CREATE UNIQUE INDEX uq_setting_change_under_way ON setting_change ("key") WHERE state IN ('proposed', 'drafted', 'resolved', 'sent')
;

CREATE TABLE accreditation (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    number TEXT NOT NULL,
    link TEXT NOT NULL,
    valid_from DATE,
    valid_until DATE,
    evidence TEXT NOT NULL,
    revision INTEGER NOT NULL,
    recorded_at DATETIME NOT NULL,
    recorded_by_id INTEGER NOT NULL,
    seen_at DATETIME,
    seen_by_id INTEGER,
    removed_at DATETIME,
    CONSTRAINT pk_accreditation PRIMARY KEY (id),
    CONSTRAINT ck_accreditation_ends_later CHECK (valid_from IS NULL OR valid_until IS NULL OR valid_from <= valid_until),
    CONSTRAINT fk_accreditation_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_accreditation_recorded_by_id FOREIGN KEY(recorded_by_id) REFERENCES person (id),
    CONSTRAINT fk_accreditation_seen_by_id FOREIGN KEY(seen_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_accreditation_organisation_id_valid_until ON accreditation (organisation_id, valid_until)
;

CREATE TABLE appeal (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    opened_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    grounds TEXT,
    made_at DATETIME,
    met_on DATE,
    resolution TEXT,
    allowed BOOLEAN,
    reasons TEXT,
    decided_at DATETIME,
    recorded_by_id INTEGER,
    CONSTRAINT pk_appeal PRIMARY KEY (id),
    CONSTRAINT uq_appeal_organisation_id UNIQUE (organisation_id),
    CONSTRAINT fk_appeal_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT uq_appeal_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_appeal_recorded_by_id FOREIGN KEY(recorded_by_id) REFERENCES person (id)
)
;

CREATE TABLE expulsion (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    noticed_at DATETIME NOT NULL,
    noticed_by_id INTEGER NOT NULL,
    meeting_on DATE NOT NULL,
    heard TEXT,
    heard_at DATETIME,
    heard_by_id INTEGER,
    resolution TEXT,
    decided_on DATE,
    carried BOOLEAN,
    closed_at DATETIME,
    closed_by_id INTEGER,
    CONSTRAINT pk_expulsion PRIMARY KEY (id),
    CONSTRAINT fk_expulsion_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_expulsion_noticed_by_id FOREIGN KEY(noticed_by_id) REFERENCES person (id),
    CONSTRAINT fk_expulsion_heard_by_id FOREIGN KEY(heard_by_id) REFERENCES person (id),
    CONSTRAINT fk_expulsion_closed_by_id FOREIGN KEY(closed_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_expulsion_organisation_id ON expulsion (organisation_id)
;

CREATE UNIQUE INDEX uq_expulsion_open ON expulsion (organisation_id) WHERE closed_at IS NULL
;

CREATE TABLE group_decision (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    group_id INTEGER,
    reason TEXT NOT NULL,
    decided_by_id INTEGER NOT NULL,
    decided_at DATETIME NOT NULL,
    CONSTRAINT pk_group_decision PRIMARY KEY (id),
    CONSTRAINT fk_group_decision_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_group_decision_group_id FOREIGN KEY(group_id) REFERENCES connected_group (id),
    CONSTRAINT fk_group_decision_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_group_decision_organisation_id ON group_decision (organisation_id)
;

CREATE TABLE held_form (
    id INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    acting_for_id INTEGER,
    path TEXT NOT NULL,
    fields TEXT NOT NULL,
    had_files BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_held_form PRIMARY KEY (id),
    CONSTRAINT uq_held_form_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_held_form_person_id FOREIGN KEY(person_id) REFERENCES person (id),
    CONSTRAINT fk_held_form_acting_for_id FOREIGN KEY(acting_for_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_held_form_created_at ON held_form (created_at)
;

CREATE INDEX ix_held_form_person_id ON held_form (person_id)
;

CREATE TABLE membership_event (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    effective_on DATE NOT NULL,
    reasons TEXT NOT NULL,
    resolution TEXT,
    by_id INTEGER,
    at DATETIME NOT NULL,
    CONSTRAINT pk_membership_event PRIMARY KEY (id),
    CONSTRAINT fk_membership_event_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_membership_event_kind CHECK (kind IN ('put_to_board', 'sent_back', 'admitted', 'refused', 'appealed', 'appeal_dismissed', 'suspended', 'suspension_lifted', 'expulsion_noticed', 'heard', 'expulsion_dropped', 'expelled', 'resigned', 'dissolved', 'lost_eligibility')),
    CONSTRAINT fk_membership_event_by_id FOREIGN KEY(by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_membership_event_organisation_id ON membership_event (organisation_id)
;

CREATE TABLE organisation_word (
    word TEXT NOT NULL,
    organisation_id INTEGER NOT NULL,
    CONSTRAINT pk_organisation_word PRIMARY KEY (word, organisation_id),
    CONSTRAINT fk_organisation_word_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_organisation_word_organisation_id ON organisation_word (organisation_id)
;

CREATE TABLE other_property (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    description TEXT NOT NULL,
    pence BIGINT NOT NULL,
    held_from DATE NOT NULL,
    held_until DATE,
    entered_by_id INTEGER NOT NULL,
    entered_at DATETIME NOT NULL,
    CONSTRAINT pk_other_property PRIMARY KEY (id),
    CONSTRAINT fk_other_property_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_other_property_entered_by_id FOREIGN KEY(entered_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_other_property_organisation_id ON other_property (organisation_id)
;

CREATE TABLE profile (
    organisation_id INTEGER NOT NULL,
    offers TEXT NOT NULL,
    seeks TEXT NOT NULL,
    website TEXT NOT NULL,
    networks TEXT NOT NULL,
    wants_requests BOOLEAN NOT NULL,
    interests_version TEXT NOT NULL,
    revision INTEGER NOT NULL,
    updated_at DATETIME NOT NULL,
    updated_by_id INTEGER NOT NULL,
    CONSTRAINT pk_profile PRIMARY KEY (organisation_id),
    CONSTRAINT fk_profile_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_profile_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id)
)
;

CREATE TABLE profile_interest (
    organisation_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    CONSTRAINT pk_profile_interest PRIMARY KEY (organisation_id, code),
    CONSTRAINT fk_profile_interest_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_profile_interest_code ON profile_interest (code, organisation_id)
;

CREATE TABLE prospect (
    organisation_id INTEGER NOT NULL,
    anchor VARCHAR(40),
    answer VARCHAR(40),
    answered_at DATETIME,
    ask_again_on DATE,
    next_step TEXT,
    next_step_on DATE,
    invited_at DATETIME,
    import_id INTEGER,
    application_id INTEGER,
    CONSTRAINT pk_prospect PRIMARY KEY (organisation_id),
    CONSTRAINT fk_prospect_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_prospect_anchor CHECK (anchor IN ('business', 'college', 'community', 'culture', 'faith', 'football_club', 'health', 'housing', 'university')),
    CONSTRAINT ck_prospect_answer CHECK (answer IN ('interested', 'not_now', 'no')),
    CONSTRAINT fk_prospect_import_id FOREIGN KEY(import_id) REFERENCES prospect_import (id),
    CONSTRAINT fk_prospect_application_id FOREIGN KEY(application_id) REFERENCES organisation (id)
)
;

CREATE INDEX ix_prospect_anchor ON prospect (anchor) WHERE anchor IS NOT NULL
;

CREATE INDEX ix_prospect_next_step ON prospect (next_step_on) WHERE next_step_on IS NOT NULL
;

CREATE TABLE prospect_contact (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    way VARCHAR(40) NOT NULL,
    happened_on DATE NOT NULL,
    recorded_at DATETIME NOT NULL,
    by_id INTEGER NOT NULL,
    note TEXT NOT NULL,
    answer VARCHAR(40),
    email TEXT,
    token_hash TEXT,
    CONSTRAINT pk_prospect_contact PRIMARY KEY (id),
    CONSTRAINT fk_prospect_contact_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_prospect_contact_way CHECK (way IN ('mail', 'call', 'meeting', 'letter')),
    CONSTRAINT fk_prospect_contact_by_id FOREIGN KEY(by_id) REFERENCES person (id),
    CONSTRAINT ck_prospect_contact_answer CHECK (answer IN ('interested', 'not_now', 'no')),
    CONSTRAINT uq_prospect_contact_token_hash UNIQUE (token_hash)
)
;

CREATE INDEX ix_prospect_contact_organisation_id ON prospect_contact (organisation_id)
;

CREATE TABLE role_change (
    id INTEGER NOT NULL,
    kind VARCHAR(40) NOT NULL,
    state VARCHAR(40) NOT NULL,
    role VARCHAR(40) NOT NULL,
    organisation_id INTEGER,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    reasons TEXT NOT NULL,
    evidence TEXT NOT NULL,
    proposed_by_id INTEGER,
    proposer_roles TEXT NOT NULL,
    proposed_at DATETIME NOT NULL,
    decided_by_id INTEGER,
    decided_at DATETIME,
    decline_reasons TEXT,
    CONSTRAINT pk_role_change PRIMARY KEY (id),
    CONSTRAINT ck_role_change_kind CHECK (kind IN ('give', 'end')),
    CONSTRAINT ck_role_change_state CHECK (state IN ('proposed', 'confirmed', 'declined')),
    CONSTRAINT ck_role_change_role CHECK (role IN ('steward', 'secretary', 'board', 'assessor', 'lived_experience_assessor', 'auditor', 'safeguarding_lead', 'representative', 'deputy', 'finance', 'certifier', 'editor')),
    CONSTRAINT fk_role_change_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_role_change_proposed_by_id FOREIGN KEY(proposed_by_id) REFERENCES person (id),
    CONSTRAINT fk_role_change_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_role_change_organisation_id ON role_change (organisation_id)
;

CREATE UNIQUE INDEX uq_role_change_open_of_fund ON role_change (email_key, role) WHERE state = 'proposed' AND organisation_id IS NULL
;

CREATE UNIQUE INDEX uq_role_change_open_of_organisation ON role_change (organisation_id) WHERE state = 'proposed'
;

CREATE TABLE setting_change_step (
    id INTEGER NOT NULL,
    change_id INTEGER NOT NULL,
    state VARCHAR(40) NOT NULL,
    happened_on DATE NOT NULL,
    evidence TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    recorded_by_id INTEGER NOT NULL,
    CONSTRAINT pk_setting_change_step PRIMARY KEY (id),
    CONSTRAINT fk_setting_change_step_change_id FOREIGN KEY(change_id) REFERENCES setting_change (id),
    CONSTRAINT ck_setting_change_step_state CHECK (state IN ('proposed', 'confirmed', 'drafted', 'resolved', 'sent', 'registered', 'withdrawn')),
    CONSTRAINT fk_setting_change_step_recorded_by_id FOREIGN KEY(recorded_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_setting_change_step_change_id ON setting_change_step (change_id)
;

CREATE TABLE share (
    id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    value_pence BIGINT NOT NULL,
    issued_on DATE NOT NULL,
    paid_on DATE,
    paid_recorded_by_id INTEGER,
    cancelled_on DATE,
    CONSTRAINT pk_share PRIMARY KEY (id),
    CONSTRAINT uq_share_number UNIQUE (number),
    CONSTRAINT fk_share_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_share_paid_recorded_by_id FOREIGN KEY(paid_recorded_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_share_organisation_id ON share (organisation_id)
;

CREATE TABLE suspension (
    id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    from_on DATE NOT NULL,
    until_on DATE NOT NULL,
    reasons TEXT NOT NULL,
    decided_by_id INTEGER NOT NULL,
    decided_at DATETIME NOT NULL,
    lifted_on DATE,
    lifted_reasons TEXT,
    lifted_by_id INTEGER,
    CONSTRAINT pk_suspension PRIMARY KEY (id),
    CONSTRAINT fk_suspension_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT fk_suspension_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id),
    CONSTRAINT fk_suspension_lifted_by_id FOREIGN KEY(lifted_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_suspension_organisation_id ON suspension (organisation_id)
;

CREATE TABLE partner_request (
    id INTEGER NOT NULL,
    reference TEXT NOT NULL,
    proposal_id INTEGER NOT NULL,
    sector VARCHAR(40) NOT NULL,
    title TEXT NOT NULL,
    need TEXT NOT NULL,
    posted_at DATETIME NOT NULL,
    posted_by_id INTEGER NOT NULL,
    closed_at DATETIME,
    closed_because VARCHAR(40),
    CONSTRAINT pk_partner_request PRIMARY KEY (id),
    CONSTRAINT uq_partner_request_reference UNIQUE (reference),
    CONSTRAINT fk_partner_request_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposal (id),
    CONSTRAINT ck_partner_request_sector CHECK (sector IN ('private', 'public', 'vcse')),
    CONSTRAINT fk_partner_request_posted_by_id FOREIGN KEY(posted_by_id) REFERENCES person (id),
    CONSTRAINT ck_partner_request_closed_because CHECK (closed_because IN ('by_lead', 'filled', 'sent', 'time_ran_out'))
)
;

CREATE INDEX ix_partner_request_open ON partner_request (sector, posted_at) WHERE closed_at IS NULL
;

CREATE INDEX ix_partner_request_proposal_id ON partner_request (proposal_id)
;

CREATE UNIQUE INDEX uq_partner_request_open ON partner_request (proposal_id, sector) WHERE closed_at IS NULL
;

CREATE TABLE partner_reply (
    id INTEGER NOT NULL,
    request_id INTEGER NOT NULL,
    organisation_id INTEGER NOT NULL,
    message TEXT NOT NULL,
    contact TEXT NOT NULL,
    state VARCHAR(40) NOT NULL,
    replied_at DATETIME NOT NULL,
    replied_by_id INTEGER NOT NULL,
    lead_contact TEXT,
    exchanged_at DATETIME,
    exchanged_by_id INTEGER,
    answered_at DATETIME,
    answered_by_id INTEGER,
    answer_note TEXT NOT NULL,
    CONSTRAINT pk_partner_reply PRIMARY KEY (id),
    CONSTRAINT fk_partner_reply_request_id FOREIGN KEY(request_id) REFERENCES partner_request (id),
    CONSTRAINT fk_partner_reply_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
    CONSTRAINT ck_partner_reply_state CHECK (state IN ('waiting', 'invited', 'declined', 'taken_back')),
    CONSTRAINT fk_partner_reply_replied_by_id FOREIGN KEY(replied_by_id) REFERENCES person (id),
    CONSTRAINT fk_partner_reply_exchanged_by_id FOREIGN KEY(exchanged_by_id) REFERENCES person (id),
    CONSTRAINT fk_partner_reply_answered_by_id FOREIGN KEY(answered_by_id) REFERENCES person (id)
)
;

CREATE INDEX ix_partner_reply_organisation_id_replied_at ON partner_reply (organisation_id, replied_at)
;

CREATE UNIQUE INDEX uq_partner_reply_current ON partner_reply (request_id, organisation_id) WHERE state <> 'taken_back'
;

CREATE TABLE partner_request_mark (
    request_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    CONSTRAINT pk_partner_request_mark PRIMARY KEY (request_id, code),
    CONSTRAINT fk_partner_request_mark_request_id FOREIGN KEY(request_id) REFERENCES partner_request (id)
)
;

CREATE INDEX ix_partner_request_mark_code ON partner_request_mark (code, request_id)
;

ALTER TABLE outbox_message ADD COLUMN topic TEXT
;

ALTER TABLE outbox_message ADD COLUMN withheld_at DATETIME
;

ALTER TABLE outbox_message ADD COLUMN gathered_into_id INTEGER
;

ALTER TABLE outbox_message ADD COLUMN forget_when_sent BOOLEAN
;

CREATE INDEX ix_outbox_message_due ON outbox_message (next_attempt_at, id) WHERE sent_at IS NULL AND withheld_at IS NULL AND gathered_into_id IS NULL
;

CREATE INDEX ix_outbox_message_gathered_into_id ON outbox_message (gathered_into_id)
;

CREATE INDEX ix_outbox_message_recipient ON outbox_message (recipient)
;

ALTER TABLE person ADD COLUMN erased_at DATETIME
;

ALTER TABLE setting ADD COLUMN change_reference TEXT
;

ALTER TABLE organisation ADD COLUMN checked_at DATETIME
;

ALTER TABLE organisation ADD COLUMN checked_by_id INTEGER CONSTRAINT fk_organisation_checked_by_id_person REFERENCES person (id)
;

ALTER TABLE organisation ADD COLUMN identity_check TEXT
;

ALTER TABLE organisation ADD COLUMN connections_check TEXT
;

CREATE INDEX ix_organisation_by_name ON organisation (status, name)
;

CREATE INDEX ix_organisation_decided ON organisation (decided_at)
;

CREATE INDEX ix_organisation_number ON organisation (register_number)
;

CREATE INDEX ix_organisation_of_district ON organisation (status, district, sector, name)
;

CREATE INDEX ix_organisation_waiting ON organisation (status, applied_at)
;

ALTER TABLE person_session ADD COLUMN is_remembered BOOLEAN
;

ALTER TABLE person_session ADD COLUMN device TEXT
;

ALTER TABLE person_session ADD COLUMN network TEXT
;

ALTER TABLE person_session ADD COLUMN last_seen_at DATETIME
;

ALTER TABLE person_session ADD COLUMN passphrase_at DATETIME
;

ALTER TABLE person_session ADD COLUMN factor_at DATETIME
;

ALTER TABLE person_session ADD COLUMN is_half BOOLEAN
;

ALTER TABLE person_session ADD COLUMN is_by_demo_door BOOLEAN
;
