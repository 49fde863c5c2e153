-- The key that signs orders, which the trust document of this number names as its first. Documents
-- from before have none: `wum-cloud trust` makes the next one.
alter table trust_document add column order_secret_sealed bytea;
