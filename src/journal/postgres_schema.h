// The tables of a journal in PostgreSQL, in a schema of their own, `steward`. Inside the journal floor only.
//
// They mirror those of journal.db (schema.h), `pos` included, so that a copy is row for row. Two functions stand beside
// them, since a pipelined group must be able to fail on the server: hold() locks the lease's row to the commit and
// raises unless the epoch is the caller's, take_head() does the same with a tenant's head row and its seq and digest.
#pragma once
#include <string>
#include <string_view>

namespace steward::journal {

inline constexpr int kPostgresSchemaVersion = 1;
inline constexpr std::string_view kLeaseLost = "STW01";  // SQLSTATEs that the functions raise
inline constexpr std::string_view kHeadMoved = "STW02";
inline constexpr int kLockClass = 0x53545744;  // of advisory locks; the second number is the epoch

std::string postgres_tables();  // SQL that makes all of it, to be run in a transaction

}  // namespace steward::journal
