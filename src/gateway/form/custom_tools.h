// A custom tool (its input is free text, not JSON) for providers that know functions only: it is offered as a function
// with one string, and what the model puts there is the input.
//
// An egress without custom tools writes custom_tool_schema() and custom_tool_description(), and for calls in the
// history custom_tool_arguments(); it reads the model's call as a kFunction. The ingress turns it back:
// is_custom_tool() finds that the name is a custom tool's, custom_tool_input() takes the input out. Pure functions; any
// thread.
#pragma once
#include <string>
#include <string_view>

#include "gateway/form/request.h"

namespace steward::gateway {

Json custom_tool_schema();
std::string custom_tool_description(const Tool& tool);  // with the grammar its input must follow, if it has one
std::string custom_tool_arguments(std::string_view input);
std::string custom_tool_input(const std::string& arguments);  // what isn't such an object is the input itself
bool is_custom_tool(const Request& request, std::string_view name);

}  // namespace steward::gateway
