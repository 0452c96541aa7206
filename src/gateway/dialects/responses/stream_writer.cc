#include <algorithm>
#include <set>

#include "gateway/dialects/responses/output.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"
#include "net/sse.h"

namespace steward::gateway::responses {
namespace {

class Writer : public AnswerWriter {
 public:
  Writer(const Request& request, AnswerContext context)
      : request_(request), context_(std::move(context)), output_(request_, context_) {}

  std::string delta(const Delta& delta) override {
    bytes_.clear();
    // A foreign event says nothing of the sum; all the rest is kept, for the items as they end.
    if (!sum_.add(delta)) return {};
    std::visit([this](const auto& one) { take(one); }, delta);
    return std::exchange(bytes_, {});
  }

  std::string finish(const ledger::Usage& usage, const Json& report) override {
    bytes_.clear();
    begin();
    close_items();
    bytes_ += net::sse_comment(dump(report));
    ResponseState state = now(incomplete_.empty() ? "completed" : "incomplete");
    state.incomplete_reason = incomplete_;
    const auto& told = sum_.whole().usage;
    state.usage = usage_json(usage, told && own_ ? told->raw : Json());
    emit(incomplete_.empty() ? "response.completed" : "response.incomplete",
         {{"response", response(std::move(state))}});
    return std::exchange(bytes_, {});
  }

  std::string fail(const Error& error) override {
    bytes_.clear();
    begin();
    ResponseState state = now("failed");
    state.error = error;
    emit("response.failed", {{"response", response(std::move(state))}});
    return std::exchange(bytes_, {});
  }

 private:
  void emit(const std::string& type, Json data) {
    Json event = {{"type", type}, {"sequence_number", sequence_++}};
    merge_all(event, std::move(data));
    bytes_ += net::sse_event(type, dump(event));
  }
  static void merge_all(Json& into, Json more) {  // with the nulls, which say something here
    for (auto& [name, value] : more.items()) into[name] = std::move(value);
  }

  const std::vector<Part>& parts() const {
    static const std::vector<Part> kNone;
    const auto found = sum_.whole().choices.find(0);
    return found == sum_.whole().choices.end() ? kNone : found->second.parts;
  }
  const Part& part(size_t number) const { return parts()[number]; }

  ResponseState now(std::string_view status) const {
    ResponseState state{.status = status};
    for (size_t i = 0; i < output_.size(); ++i) {
      if (done_.contains(i)) state.output.push_back(done_.at(i));
    }
    return state;
  }
  Json response(ResponseState state) const {
    return response_json(request_, context_, std::move(state), own_ ? sum_.whole().begin.extra : Json());
  }

  void begin() {
    if (std::exchange(begun_, true)) return;
    for (const char* type : {"response.created", "response.in_progress"})
      emit(type, {{"response", response(ResponseState{.status = "in_progress"})}});
  }

  void take(const Begin& told) {
    own_ = told.from == Dialect::kResponses;
    output_.set_from(told.from);
    begin();
  }

  // Where an event belongs.
  Json at(size_t item) const { return {{"item_id", output_.item(item).id}, {"output_index", item}}; }
  Json at_content(size_t number) const {
    const auto& place = places_.at(number);
    Json out = at(place.item);
    out["content_index"] = place.content;
    return out;
  }
  static Json with(Json base, Json more) {
    merge_all(base, std::move(more));
    return base;
  }

  void announce(size_t item) {
    emit("response.output_item.added", {{"output_index", item}, {"item", output_.json(item, parts(), "in_progress")}});
  }
  void end_item(size_t item, std::string_view status) {
    if (done_.contains(item)) return;
    Json json = output_.json(item, parts(), status);
    emit("response.output_item.done", {{"output_index", item}, {"item", json}});
    done_[item] = std::move(json);
  }
  void aside(Aside what) {
    end_message();
    const size_t item = output_.add_aside(std::move(what));
    announce(item);
    end_item(item, "completed");
  }
  // The running message takes no more texts when another item begins; it is done once its last one is.
  void end_message() {
    output_.end_message();
    if (!message_) return;
    const size_t item = *std::exchange(message_, std::nullopt);
    ending_.insert(item);
    end_if_closed(item);
  }
  void end_if_closed(size_t item) {
    const auto closed = [this](size_t number) { return closed_.contains(number); };
    if (!ending_.contains(item) || !std::ranges::all_of(output_.item(item).parts, closed)) return;
    ending_.erase(item);
    end_item(item, "completed");
    for (auto& one : std::exchange(late_, {})) aside(std::move(one));
  }

  void take(const Open& open) {
    if (open.choice != 0) return;
    begin();
    const Part& value = part(open.part);
    const auto* call = std::get_if<ToolCall>(&value.body);
    const bool text = std::holds_alternative<Text>(value.body);
    if (text && !value.signature.empty()) aside({.call_id = {}, .signature = value.signature, .foreign = {}});
    const bool content = text || std::holds_alternative<Refusal>(value.body) || peek(value.own, "content") == true;
    if (!content || (own_ && peek(value.own, "item").is_object())) end_message();
    const Output::Place place = output_.place(open.part, value);
    places_[open.part] = place;
    if (place.is_new && output_.item(place.item).kind != Output::Kind::kAside) announce(place.item);
    if (content) open_content(open.part, value, place);
    if (const auto* thought = std::get_if<Reasoning>(&value.body)) open_reasoning(open.part, *thought);
    if (call != nullptr && !call->arguments.empty()) tell_arguments(open.part, call->arguments);
  }

  void open_content(size_t number, const Part& value, const Output::Place& place) {
    message_ = place.item;
    if (own_ && peek(value.own, "empty") == true) return;
    Part empty = value;
    std::string said;
    if (auto* text = std::get_if<Text>(&empty.body)) said = std::exchange(text->text, {});
    if (auto* refusal = std::get_if<Refusal>(&empty.body)) said = std::exchange(refusal->text, {});
    emit("response.content_part.added", with(at_content(number), {{"part", output_.content_json(number, empty)}}));
    if (!said.empty()) tell_text(number, said);
  }
  void open_reasoning(size_t number, const Reasoning& thought) {
    for (size_t i = 0; i < thought.summary.size(); ++i) tell_summary(number, i, thought.summary[i]);
    if (!thought.text.empty()) tell_thought(number, thought.text);
  }

  void take(const Append& append) {
    if (append.choice != 0 || append.text.empty()) return;
    const Part& to = part(append.part);
    if (std::holds_alternative<Reasoning>(to.body))
      tell_thought(append.part, append.text);
    else if (std::holds_alternative<ToolCall>(to.body))
      tell_arguments(append.part, append.text);
    else
      tell_text(append.part, append.text);
  }
  void tell_text(size_t number, const std::string& text) {
    if (std::holds_alternative<Refusal>(part(number).body)) {
      emit("response.refusal.delta", with(at_content(number), {{"delta", text}}));
    } else {
      emit("response.output_text.delta", with(at_content(number), {{"delta", text}, {"logprobs", Json::array()}}));
    }
  }
  void tell_thought(size_t number, const std::string& text) {
    Json where = at(places_.at(number).item);
    where["content_index"] = 0;
    if (thoughts_.insert(number).second)
      emit("response.content_part.added", with(where, {{"part", {{"type", "reasoning_text"}, {"text", ""}}}}));
    emit("response.reasoning_text.delta", with(where, {{"delta", text}}));
  }
  void tell_arguments(size_t number, const std::string& text) {
    const auto& call = std::get<ToolCall>(part(number).body);
    const bool custom = output_.calls_custom(call);
    if (custom && call.kind != ToolCall::Kind::kCustom) return;  // its input is known when it is whole
    emit(custom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta",
         with(at(places_.at(number).item), {{"delta", text}}));
  }

  void take(const Summarise& summarise) {
    if (summarise.choice == 0) tell_summary(summarise.part, summarise.index, summarise.text);
  }
  void tell_summary(size_t number, size_t index, const std::string& text) {
    const auto running = summaries_.find(number);
    if (running != summaries_.end() && running->second != index) end_summary(number);
    Json where = with(at(places_.at(number).item), {{"summary_index", index}});
    if (summaries_.emplace(number, index).second)
      emit("response.reasoning_summary_part.added", with(where, {{"part", {{"type", "summary_text"}, {"text", ""}}}}));
    if (!text.empty()) emit("response.reasoning_summary_text.delta", with(where, {{"delta", text}}));
  }
  void end_summary(size_t number) {
    const auto running = summaries_.find(number);
    if (running == summaries_.end()) return;
    const size_t index = running->second;
    summaries_.erase(running);
    const auto& texts = std::get<Reasoning>(part(number).body).summary;
    const std::string& text = texts[index];
    const Json where = with(at(places_.at(number).item), {{"summary_index", index}});
    emit("response.reasoning_summary_text.done", with(where, {{"text", text}}));
    emit("response.reasoning_summary_part.done", with(where, {{"part", {{"type", "summary_text"}, {"text", text}}}}));
  }

  void take(const Cite& cite) {
    if (cite.choice != 0) return;
    const size_t count = std::get<Text>(part(cite.part).body).citations.size();
    emit("response.output_text.annotation.added",
         with(at_content(cite.part),
              {{"annotation_index", count - 1}, {"annotation", annotation_of(cite.citation, own_)}}));
  }

  void take(const Logprobs& logprobs) {
    if (logprobs.choice != 0 || !places_.contains(logprobs.part) || logprobs.of_refusal) return;
    output_.add_logprobs(logprobs.part, logprobs.entries);
    emit("response.output_text.delta",
         with(at_content(logprobs.part), {{"delta", ""}, {"logprobs", logprobs.entries}}));
  }

  void take(const Close& close) {
    if (close.choice != 0) return;
    close_part(close.part);
    const Part& value = part(close.part);
    const auto* call = std::get_if<ToolCall>(&value.body);
    if (call == nullptr && !std::holds_alternative<Text>(value.body)) return;
    const Signature& proof = close.signature.empty() && call != nullptr ? value.signature : close.signature;
    if (proof.empty() || !places_.contains(close.part)) return;
    const std::string id = call != nullptr ? output_.call_id(places_.at(close.part).item, *call) : std::string();
    Aside late{.call_id = id, .signature = proof, .foreign = {}};
    late.before = false;
    if (message_)
      late_.push_back(std::move(late));
    else
      aside(std::move(late));
  }

  void close_part(size_t number) {
    if (!places_.contains(number) || !closed_.insert(number).second) return;
    const Part& value = part(number);
    const size_t item = places_.at(number).item;
    if (const auto* thought = std::get_if<Reasoning>(&value.body)) {
      close_reasoning(number, *thought, item);
    } else if (const auto* call = std::get_if<ToolCall>(&value.body)) {
      close_call(*call, item);
    } else if (output_.item(item).kind == Output::Kind::kMessage) {
      close_content(number, value);
      end_if_closed(item);
    } else {
      if (output_.item(item).kind == Output::Kind::kAside) announce(item);
      end_item(item, "completed");
    }
  }
  void close_content(size_t number, const Part& value) {
    if (own_ && peek(value.own, "empty") == true) return;
    if (const auto* text = std::get_if<Text>(&value.body))
      emit("response.output_text.done",
           with(at_content(number), {{"text", text->text}, {"logprobs", output_.logprobs_of(number)}}));
    if (const auto* refusal = std::get_if<Refusal>(&value.body))
      emit("response.refusal.done", with(at_content(number), {{"refusal", refusal->text}}));
    emit("response.content_part.done", with(at_content(number), {{"part", output_.content_json(number, value)}}));
  }
  void close_reasoning(size_t number, const Reasoning& thought, size_t item) {
    end_summary(number);
    if (thoughts_.contains(number)) {
      const Json where = with(at(item), {{"content_index", 0}});
      emit("response.reasoning_text.done", with(where, {{"text", thought.text}}));
      emit("response.content_part.done", with(where, {{"part", {{"type", "reasoning_text"}, {"text", thought.text}}}}));
    }
    end_item(item, "completed");
  }
  void close_call(const ToolCall& call, size_t item) {
    const Json json = output_.json(item, parts(), "completed");
    if (output_.calls_custom(call)) {
      if (call.kind != ToolCall::Kind::kCustom && !json["input"].get_ref<const std::string&>().empty())
        emit("response.custom_tool_call_input.delta", with(at(item), {{"delta", json["input"]}}));
      emit("response.custom_tool_call_input.done", with(at(item), {{"input", json["input"]}}));
    } else {
      emit("response.function_call_arguments.done",
           with(at(item), {{"name", json["name"]}, {"arguments", json["arguments"]}}));
    }
    end_item(item, "completed");
  }

  void take(const Finish& finish) {
    if (finish.choice == 0) incomplete_ = incomplete_reason(finish, parts());
  }
  void close_items() {
    for (size_t number = 0; number < parts().size(); ++number) close_part(number);
    if (message_ && !incomplete_.empty()) end_item(*message_, "incomplete");
    end_message();
  }

  void take(const ForeignEvent& event) {
    if (event.from != Dialect::kResponses || !own_) return;
    Json data = event.data;
    const int64_t number = peek_integer(data, "output_index", -1);
    const auto place = number < 0 ? places_.end() : places_.find(static_cast<size_t>(number));
    if (place != places_.end()) {
      data["output_index"] = place->second.item;
      if (data.contains("item_id")) data["item_id"] = output_.item(place->second.item).id;
    }
    data.erase("type");
    emit(event.name, std::move(data));
  }
  void take(const UsageTold&) {}    // what was charged is told at the end
  void take(const AnswerExtra&) {}  // told in the response at the end

  const Request request_;
  const AnswerContext context_;
  Output output_;
  AnswerSum sum_;
  std::string bytes_;
  int64_t sequence_ = 0;
  bool begun_ = false, own_ = false;
  std::map<size_t, Output::Place> places_;  // by part
  std::map<size_t, Json> done_;             // items, as they ended
  std::map<size_t, size_t> summaries_;      // the summary under way, by part
  std::set<size_t> thoughts_, closed_;      // parts
  std::set<size_t> ending_;                 // messages that take no more texts but have an open one
  std::optional<size_t> message_;           // the item under way that takes texts
  std::vector<Aside> late_;                 // signatures of texts, told after their message
  std::string incomplete_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_writer(const Request& request, AnswerContext context) {
  return std::make_unique<Writer>(request, std::move(context));
}

}  // namespace steward::gateway::responses
