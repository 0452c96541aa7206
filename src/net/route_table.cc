#include "net/route_table.h"

#include "base/json.h"
#include "base/text.h"

namespace steward::net {
namespace {

bool is_param(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }
bool is_rest(std::string_view segment) { return is_param(segment) && segment.ends_with("*}"); }

std::string param_name(std::string_view segment) {
  segment.remove_prefix(1);
  segment.remove_suffix(is_rest(segment) || segment.ends_with("*}") ? 2 : 1);
  return std::string(segment);
}

std::vector<std::string> split_pattern(std::string_view pattern) {
  std::vector<std::string> out;
  for (std::string_view part : split(pattern.substr(1), '/')) out.emplace_back(part);
  return out;
}

std::map<std::string, std::string> take_params(const CompiledRoute& route, const std::vector<std::string>& segments) {
  std::map<std::string, std::string> out;
  for (size_t i = 0; i < route.segments.size(); ++i) {
    if (!is_param(route.segments[i])) continue;
    std::string value = segments[i];
    if (is_rest(route.segments[i])) {
      for (size_t j = i + 1; j < segments.size(); ++j) value.append("/").append(segments[j]);
    }
    out.emplace(param_name(route.segments[i]), std::move(value));
  }
  return out;
}

Handler error_handler(const ErrorWriter& writer, ErrorCode code) {
  return [writer, code](Request& request, Responder& responder) {
    std::string message = code == ErrorCode::kNotFound
                              ? fmt::format("There is nothing at {}.", request.path)
                              : fmt::format("{} does not take {}.", request.path, request.method);
    return writer(request, responder, Error(code, std::move(message)));
  };
}

}  // namespace

RouteTable::RouteTable(const std::vector<Route>& routes, const std::vector<Middleware>& middleware,
                       ErrorWriter error_writer)
    : error_writer_(error_writer ? std::move(error_writer) : write_default_error) {
  for (const Route& route : routes) {
    all_.push_back(compile(route, middleware));
    const CompiledRoute* made = all_.back().get();
    bool fixed = std::ranges::none_of(made->segments, is_param);
    if (fixed)
      fixed_[made->route.pattern].push_back(made);
    else
      with_params_.push_back(made);
  }
  not_found_ = compile(Route{.handler = error_handler(error_writer_, ErrorCode::kNotFound)}, middleware);
  method_not_allowed_ =
      compile(Route{.handler = error_handler(error_writer_, ErrorCode::kMethodNotAllowed)}, middleware);
}

std::unique_ptr<CompiledRoute> RouteTable::compile(Route route, const std::vector<Middleware>& middleware) const {
  auto made = std::make_unique<CompiledRoute>();
  made->route = std::move(route);
  if (!made->route.pattern.empty()) made->segments = split_pattern(made->route.pattern);
  made->wrapped = made->route.handler;
  for (auto it = middleware.rbegin(); it != middleware.rend(); ++it) {
    made->wrapped = [outer = *it, route = &made->route, inner = std::move(made->wrapped)](
                        Request& request, Responder& responder) { return outer(request, responder, *route, inner); };
  }
  return made;
}

bool RouteTable::fits(const CompiledRoute& route, const std::vector<std::string>& segments) const {
  const auto& pattern = route.segments;
  bool rest = !pattern.empty() && is_rest(pattern.back());
  if (rest ? segments.size() < pattern.size() : segments.size() != pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (is_param(pattern[i]) ? segments[i].empty() && !is_rest(pattern[i]) : pattern[i] != segments[i]) return false;
  }
  return true;
}

void RouteTable::find(const Target& target, std::vector<const CompiledRoute*>& out) const {
  if (auto it = fixed_.find(target.path); it != fixed_.end()) out = it->second;
  for (const CompiledRoute* route : with_params_) {
    if (fits(*route, target.segments)) out.push_back(route);
  }
}

Match RouteTable::match(std::string_view method, const Target& target) const {
  std::vector<const CompiledRoute*> candidates;
  find(target, candidates);
  Match out;
  for (std::string_view wanted : {method, std::string_view(method == "HEAD" ? "GET" : method)}) {
    for (const CompiledRoute* candidate : candidates) {
      if (candidate->route.method != wanted) continue;
      out.route = candidate;
      out.params = take_params(*candidate, target.segments);
      return out;
    }
  }
  std::set<std::string> methods;
  for (const CompiledRoute* candidate : candidates) {
    methods.insert(candidate->route.method);
    if (candidate->route.method == "GET") methods.insert("HEAD");
  }
  out.allow = join({methods.begin(), methods.end()}, ", ");
  return out;
}

Task<void> write_default_error(Request& request, Responder& responder, Error error) {
  const ErrorInfo& what = info(error.code);
  Json body = {{"error",
                {{"message", error.message},
                 {"type", what.openai_type},
                 {"param", error.details.value("param", Json())},
                 {"code", what.name}}}};
  if (auto it = error.details.find("retry_after_us"); it != error.details.end() && it->is_number_integer()) {
    responder.headers().set("Retry-After", std::to_string((it->get<int64_t>() + 999'999) / 1'000'000));
  }
  (void)co_await responder.send(what.http_status, "application/json", dump(body));
}

}  // namespace steward::net
