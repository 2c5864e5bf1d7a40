-- When a device's name was said: the earliest stands, whichever arrives first. NULL beside a name: an administrator's or an enrolment's, which stays.
ALTER TABLE devices ADD COLUMN IF NOT EXISTS name_said_at TIMESTAMPTZ;
