-- recipients: pairs of an SES id and an address key. The place of each that has a job, with the job's id and state.
CREATE OR REPLACE FUNCTION states_of_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(jsonb_build_array(place, id, state)), '[]')
    FROM jsonb_array_elements(args->'recipients') WITH ORDINALITY AS asked (pair, place)
    JOIN recipient ON ses_id = pair->>0 AND address_key = pair->>1
    JOIN job ON seq = recipient.job);
END
$$;
