-- Made after a rebuild has loaded the tables: sorting once is quicker than inserting each.
CREATE INDEX requests_by_exchange ON requests (exchange_id);
CREATE INDEX requests_by_member ON requests (member_token);
CREATE INDEX requests_open ON requests (state, code) WHERE closed_at IS NULL;
CREATE INDEX submissions_by_id ON submissions (submission_id);
CREATE INDEX submissions_by_request ON submissions (request_id);
CREATE INDEX letters_by_id ON dead_letters (letter_id);
CREATE INDEX letters_by_signature ON dead_letters (signature);
CREATE INDEX commands_by_id ON commands (command_id);
CREATE INDEX reviews_open ON reviews (due_by) WHERE decided_at IS NULL;
ALTER TABLE timeline ADD PRIMARY KEY (log_partition, first_offset, log_offset);
