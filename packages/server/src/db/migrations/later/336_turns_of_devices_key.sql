ALTER TABLE transcript_turns DROP CONSTRAINT transcript_turns_pkey,
  ADD CONSTRAINT transcript_turns_pkey PRIMARY KEY USING INDEX idx_transcript_turns_device;
