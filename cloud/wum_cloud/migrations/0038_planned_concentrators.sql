-- Concentrators that are planned before anybody has them: sites, buses, meters and settings are said
-- of them as of any other, and a claim takes the plan over.

-- Not null: nobody has it yet. Its id and identity key are of a key pair whose secret was never
-- kept: nothing that claims to be it is genuine, and a claim puts the real ones in their place.
alter table concentrator add column planned_at timestamptz, add column planned_by text;
create index on concentrator (tenant_id, name) where planned_at is not null;

-- The plan that the concentrator of this claim takes over.
alter table claim add column planned_id integer references concentrator;
