#include "journal/postgres_connection.h"

#include <arpa/inet.h>
#include <endian.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "journal/location.h"

namespace steward::journal {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kAnswerWithin{45};  // above the server's own statement_timeout of 30 s

constexpr unsigned kInt8 = 20, kText = 25, kBytea = 17;  // PostgreSQL's type numbers, fixed for all releases
constexpr unsigned kInt8Array = 1016, kTextArray = 1009, kByteaArray = 1001;

void append_int32(std::string& out, int32_t value) {
  const uint32_t big = htonl(static_cast<uint32_t>(value));
  out.append(reinterpret_cast<const char*>(&big), sizeof big);
}

std::string int64_bytes(int64_t value) {
  const uint64_t big = htobe64(static_cast<uint64_t>(value));
  return {reinterpret_cast<const char*>(&big), sizeof big};
}

// libpq's messages end in line ends and may hold several lines.
std::string one_line(const char* text) {
  std::string out(text ? text : "");
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  for (char& c : out) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return out;
}

}  // namespace

void PgParams::push(unsigned type, std::string bytes) {
  types_.push_back(type);
  values_.push_back(std::move(bytes));
}

PgParams& PgParams::add(int64_t value) { return push(kInt8, int64_bytes(value)), *this; }
PgParams& PgParams::add(std::string_view text) { return push(kText, std::string(text)), *this; }
PgParams& PgParams::add_bytes(std::string_view bytes) { return push(kBytea, std::string(bytes)), *this; }

void PgArray::add(int64_t value) { add(std::string_view(int64_bytes(value))); }

void PgArray::add(std::string_view value) {
  append_int32(data_, static_cast<int32_t>(value.size()));
  data_.append(value);
  ++count_;
}

void PgArray::add_null() {
  append_int32(data_, -1);
  ++count_;
  has_null_ = true;
}

// Dimensions, whether there are nulls, the elements' type; then of the one dimension its length and lower bound.
void PgArray::add_to(PgParams& params) const {
  static constexpr unsigned kElements[] = {kInt8, kText, kBytea}, kArrays[] = {kInt8Array, kTextArray, kByteaArray};
  const auto of = static_cast<size_t>(of_);
  std::string out;
  out.reserve(data_.size() + 20);
  append_int32(out, 1);
  append_int32(out, has_null_ ? 1 : 0);
  append_int32(out, static_cast<int32_t>(kElements[of]));
  append_int32(out, count_);
  append_int32(out, 1);
  params.push(kArrays[of], out + data_);
}

PgResult::PgResult(pg_result* result) : result_(result, PQclear) {}
int PgResult::rows() const { return PQntuples(result_.get()); }
int64_t PgResult::affected() const { return std::atoll(PQcmdTuples(result_.get())); }
bool PgResult::is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

int64_t PgResult::integer(int row, int column) const {
  const char* data = PQgetvalue(result_.get(), row, column);
  const auto* bytes = reinterpret_cast<const unsigned char*>(data);
  const int n = PQgetlength(result_.get(), row, column);
  int64_t value = n > 1 && bytes[0] >= 0x80 ? -1 : 0;
  for (int i = 0; i < n; ++i) value = static_cast<int64_t>(static_cast<uint64_t>(value) << 8 | bytes[i]);
  return value;
}

std::string PgResult::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

PgConnection::PgConnection(const std::string& url, const std::string& password, std::string_view application)
    : where_(redacted(url)) {
  char* problem = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(url.c_str(), &problem);
  if (problem) PQfreemem(problem);
  // A second @ would make part of a password the host's name, which libpq's messages print.
  const auto ats = std::ranges::count(url.substr(0, url.find('?')), '@');
  if (parsed && (ats > 1 || !is_postgres_url(url))) {
    PQconninfoFree(parsed);
    parsed = nullptr;
  }
  if (!parsed) {
    throw PgError(
        "The journal's address is none that PostgreSQL's library can read: it has the form "
        "postgres://USER@HOST:PORT/DATABASE, with special characters as %XX.",
        "", true);
  }
  PQconninfoFree(parsed);
  const std::string name(application);
  // What the address says itself comes after and wins; a dead peer is noticed in seconds, not hours.
  const std::vector<std::pair<const char*, const char*>> all = {
      {"connect_timeout", "5"},       {"keepalives_idle", "5"},      {"keepalives_interval", "2"},
      {"keepalives_count", "3"},      {"tcp_user_timeout", "12000"}, {"client_encoding", "UTF8"},
      {"password", password.c_str()}, {"dbname", url.c_str()},       {"fallback_application_name", name.c_str()}};
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : all) {
    if (!*value) continue;
    keys.push_back(key);
    values.push_back(value);
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  conn_ = PQconnectdbParams(keys.data(), values.data(), 1);
  if (PQstatus(conn_) != CONNECTION_OK) {
    const std::string what = one_line(PQerrorMessage(conn_));
    PQfinish(conn_);
    throw PgError(fmt::format("PostgreSQL at {} can't be reached: {}", where_, what), "", true);
  }
  PQsetNoticeProcessor(conn_, [](void*, const char*) {}, nullptr);  // notices are not for our standard error
  PQsetnonblocking(conn_, 1);
  PQenterPipelineMode(conn_);
}

PgConnection::~PgConnection() { PQfinish(conn_); }

int PgConnection::server_version() const { return PQserverVersion(conn_); }

void PgConnection::lost(std::string_view what) {
  throw PgError(fmt::format("The connection to PostgreSQL at {} was lost: {}", where_, what), "", true);
}

PgError PgConnection::error_of(const pg_result* result) const {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const bool gone = PQstatus(conn_) == CONNECTION_BAD;
  return {fmt::format("PostgreSQL says: {}", one_line(primary ? primary : PQresultErrorMessage(result))),
          state ? state : "", gone};
}

std::string PgConnection::prepared(const PgQuery& query) {
  if (const auto it = statements_.find(query.sql); it != statements_.end()) return it->second;
  std::string name = fmt::format("s{}", ++names_);
  const std::string sql(query.sql);
  const auto& types = query.params.types_;
  if (!PQsendPrepare(conn_, name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()))
    lost(one_line(PQerrorMessage(conn_)));
  pending_.push_back(false);
  statements_.emplace(sql, name);
  fresh_.push_back(sql);
  return name;
}

void PgConnection::queue(const PgQuery& query) {
  const std::string name = prepared(query);
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const auto& value : query.params.values_) {
    values.push_back(value.data());
    lengths.push_back(static_cast<int>(value.size()));
    formats.push_back(1);
  }
  if (!PQsendQueryPrepared(conn_, name.c_str(), static_cast<int>(values.size()), values.data(), lengths.data(),
                           formats.data(), 1))
    lost(one_line(PQerrorMessage(conn_)));
  pending_.push_back(true);
}

void PgConnection::wait(short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd fd{PQsocket(conn_), events, 0};
    const int n = left > 0 ? ::poll(&fd, 1, static_cast<int>(std::min<int64_t>(left, 60'000))) : 0;
    if (n > 0) return;
    if (n < 0 && errno != EINTR) lost(std::strerror(errno));
    if (left <= 0) lost("it did not answer in time");
  }
}

void PgConnection::flush(Clock::time_point deadline) {
  for (;;) {
    const int n = PQflush(conn_);
    if (n == 0) return;
    if (n < 0) lost(one_line(PQerrorMessage(conn_)));
    wait(POLLIN | POLLOUT, deadline);
    if (!PQconsumeInput(conn_)) lost(one_line(PQerrorMessage(conn_)));
  }
}

pg_result* PgConnection::next(Clock::time_point deadline) {
  while (PQisBusy(conn_)) {
    wait(POLLIN, deadline);
    if (!PQconsumeInput(conn_)) lost(one_line(PQerrorMessage(conn_)));
  }
  return PQgetResult(conn_);
}

std::vector<PgResult> PgConnection::sync() {
  if (pending_.empty()) return {};
  const auto deadline = Clock::now() + kAnswerWithin;
  if (!PQpipelineSync(conn_)) lost(one_line(PQerrorMessage(conn_)));
  flush(deadline);
  std::vector<PgResult> results;
  std::unique_ptr<PgError> first;
  for (;;) {
    pg_result* raw = next(deadline);
    if (!raw) {
      if (PQstatus(conn_) == CONNECTION_BAD) lost(first ? first->what() : one_line(PQerrorMessage(conn_)));
      continue;  // the end of one query's results
    }
    const PgResult result(raw);
    const auto status = PQresultStatus(raw);
    if (status == PGRES_PIPELINE_SYNC) break;
    const bool wanted = !pending_.empty() && pending_.front();
    if (!pending_.empty()) pending_.pop_front();
    if (status == PGRES_FATAL_ERROR && !first) first = std::make_unique<PgError>(error_of(raw));
    if (wanted) results.push_back(result);
  }
  pending_.clear();
  if (first) {  // what was prepared behind the error is not there; under another name it is made again
    for (const auto& sql : fresh_) statements_.erase(sql);
    fresh_.clear();
    throw PgError(*first);
  }
  fresh_.clear();
  return results;
}

PgResult PgConnection::run(const PgQuery& query) {
  queue(query);
  return sync().back();
}

void PgConnection::run_alone(const std::string& sql, std::chrono::milliseconds longest) {
  const auto deadline = Clock::now() + longest;
  PQexitPipelineMode(conn_);
  if (!PQsendQuery(conn_, sql.c_str())) lost(one_line(PQerrorMessage(conn_)));
  flush(deadline);
  std::unique_ptr<PgError> first;
  while (pg_result* raw = next(deadline)) {
    const PgResult result(raw);
    if (PQresultStatus(raw) == PGRES_FATAL_ERROR && !first) first = std::make_unique<PgError>(error_of(raw));
  }
  if (PQstatus(conn_) == CONNECTION_BAD) lost(first ? first->what() : one_line(PQerrorMessage(conn_)));
  PQenterPipelineMode(conn_);
  if (first) throw PgError(*first);
}

std::string PgConnection::setting(std::string_view name) {
  const auto result = run({"SELECT current_setting($1, true)", PgParams().add(name)});
  return result.is_null(0, 0) ? "" : result.text(0, 0);
}

}  // namespace steward::journal
