"""Posting a transfer in one statement on PostgreSQL, as text.

Each statement there is a journey to the server and back, and a transfer needs eight. SQLite has no journey to save and
no functions of its own: there `ledger.journal` says the same statement by statement.
"""

POST_TRANSFER = """
CREATE FUNCTION post_transfer(
    p_key text, p_kind text, p_occurred_on date, p_posted_at timestamptz, p_description text, p_actor_id bigint,
    p_reverses_id bigint, p_reason text, p_says text, p_codes text[], p_pence bigint[], p_organisation_id bigint,
    p_after json, OUT made bigint, OUT unknown boolean, OUT refused text
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_account record;
    v_accounts bigint[] := '{}';
    v_pence bigint[] := '{}';
    v_legs text := '';
    v_running bigint := 0;
    v_sequence bigint;
    v_balance bigint;
BEGIN
    FOR v_account IN SELECT id, code FROM account WHERE code = ANY (p_codes) ORDER BY id LOOP
        v_accounts := v_accounts || v_account.id;
        v_pence := v_pence || p_pence[array_position(p_codes, v_account.code)];
        v_legs := v_legs || ',[' || v_account.id || ',' || v_pence[cardinality(v_pence)] || ']';
    END LOOP;
    unknown := cardinality(v_accounts) < cardinality(p_codes);
    IF unknown THEN
        RETURN;
    END IF;
    INSERT INTO transfer (
        key, kind, occurred_on, posted_at, description, actor_id, reverses_id, reason, last_leg, digest
    ) VALUES (
        p_key, p_kind, p_occurred_on, p_posted_at, p_description, p_actor_id, p_reverses_id, p_reason,
        cardinality(v_accounts), encode(sha256(convert_to(p_says || '[' || substr(v_legs, 2) || ']]', 'UTF8')), 'hex')
    ) ON CONFLICT (key) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RETURN;
    END IF;
    FOR v_leg IN 1 .. cardinality(v_accounts) LOOP
        UPDATE account SET balance_pence = balance_pence + v_pence[v_leg], entry_count = entry_count + 1
        WHERE id = v_accounts[v_leg]
        AND (may_go_below OR balance_pence + v_pence[v_leg] >= 0)
        AND (may_go_above OR balance_pence + v_pence[v_leg] <= 0)
        RETURNING entry_count, balance_pence INTO v_sequence, v_balance;
        IF NOT FOUND THEN
            SELECT code INTO refused FROM account WHERE id = v_accounts[v_leg];
            RETURN;
        END IF;
        v_running := v_running + v_pence[v_leg];
        INSERT INTO entry (account_id, sequence, transfer_id, leg, amount_pence, running_pence, balance_pence)
        VALUES (v_accounts[v_leg], v_sequence, made, v_leg, v_pence[v_leg], v_running, v_balance);
    END LOOP;
    INSERT INTO audit_entry (at, actor_id, organisation_id, action, subject, "before", "after")
    VALUES (p_posted_at, p_actor_id, p_organisation_id, 'transfer.posted', p_key, '{}', p_after);
END $$
"""
"""`made` is the transfer's id, and empty where the key is taken; `unknown` tells that an account must be opened first;
`refused` is the code of the account that would pass its limit."""
