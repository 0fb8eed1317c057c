-- Leads lie on the disk as they came, for the most part: which pages hold the newest takes a few
-- kilobytes to say. A search for words of middling frequency reads no others. Not partial, so that
-- PostgreSQL joins it with the index of words.
CREATE INDEX leads_made ON leads USING brin (created_at) WITH (pages_per_range = 32);
