#include "journal/postgres_schema.h"

#include <fmt/format.h>

namespace steward::journal {
namespace {

// Text has collation C: order and equality are those of bytes, as in SQLite. Bodies are bytes: their digest covers
// them. ANALYZE keeps no samples of them: nothing would erase those (postgres_purge.cc).
constexpr std::string_view kTables = R"sql(
CREATE SCHEMA IF NOT EXISTS steward;
CREATE TABLE steward.meta(key text COLLATE "C" PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE steward.lease(one boolean PRIMARY KEY DEFAULT true CHECK (one), holder text NOT NULL, epoch bigint NOT NULL,
  expires timestamptz NOT NULL);
CREATE TABLE steward.tenants(number bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, seq bigint NOT NULL,
  digest bytea NOT NULL);
CREATE TABLE steward.records(
  pos bigint PRIMARY KEY, tenant bigint NOT NULL CHECK (tenant = pos >> 40), id text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL, version bigint NOT NULL, kind text COLLATE "C" NOT NULL, schema bigint NOT NULL,
  time bigint NOT NULL, actor text COLLATE "C" NOT NULL, on_behalf_of text COLLATE "C" NOT NULL,
  cause text COLLATE "C" NOT NULL, sources text COLLATE "C" NOT NULL, acl text COLLATE "C" NOT NULL,
  label text COLLATE "C" NOT NULL, body bytea, erased bigint NOT NULL DEFAULT 0, salt bytea, body_digest bytea NOT NULL,
  digest bytea NOT NULL);
ALTER TABLE steward.records ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN salt SET STATISTICS 0;
CREATE UNIQUE INDEX records_id ON steward.records(id);
CREATE UNIQUE INDEX records_stream ON steward.records(tenant, stream, version);
CREATE INDEX records_hidden ON steward.records(pos) WHERE erased = 1;
CREATE TABLE steward.sources(source text COLLATE "C" NOT NULL, pos bigint NOT NULL, PRIMARY KEY(source, pos));
CREATE TABLE steward.blob_refs(tenant bigint NOT NULL, blob text COLLATE "C" NOT NULL, pos bigint NOT NULL,
  PRIMARY KEY(tenant, blob, pos));
CREATE INDEX blob_refs_pos ON steward.blob_refs(pos);
CREATE TABLE steward.doomed_blobs(tenant bigint NOT NULL, blob text COLLATE "C" NOT NULL, PRIMARY KEY(tenant, blob));
INSERT INTO steward.lease(holder, epoch, expires) VALUES('', 0, '-infinity');
)sql";

constexpr std::string_view kFunctions = R"sql(
CREATE OR REPLACE FUNCTION steward.hold(mine bigint, lease_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found steward.lease;
BEGIN
  SELECT * INTO found FROM steward.lease FOR UPDATE;
  IF found.epoch IS DISTINCT FROM mine THEN
    RAISE EXCEPTION 'the journal is held by % (epoch %, this writer had %)', found.holder, found.epoch, mine
      USING ERRCODE = '{}';
  END IF;
  IF found.expires < clock_timestamp() + lease_ms * interval '0.7 milliseconds' THEN
    UPDATE steward.lease SET expires = clock_timestamp() + lease_ms * interval '1 millisecond';
  END IF;
END $$;
CREATE OR REPLACE FUNCTION steward.take_head(tenant bigint, at bigint, last bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE head steward.tenants;
BEGIN
  SELECT * INTO head FROM steward.tenants WHERE number = tenant FOR UPDATE;
  IF head.seq IS DISTINCT FROM at OR head.digest IS DISTINCT FROM last THEN
    RAISE EXCEPTION 'the chain of tenant % was continued by another: it stands at %, not at %', tenant, head.seq, at
      USING ERRCODE = '{}';
  END IF;
END $$;
)sql";

}  // namespace

std::string postgres_tables() {
  return std::string(kTables) + fmt::format(fmt::runtime(kFunctions), kLeaseLost, kHeadMoved) +
         fmt::format("INSERT INTO steward.meta VALUES('schema_version', {});", kPostgresSchemaVersion);
}

}  // namespace steward::journal
