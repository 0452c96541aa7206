// Whether this program is built under a sanitizer of the compiler's: its run time maps terabytes of shadow memory and
// asks the kernel whether an address is there by writing it into a pipe. Such a build is for tests; its sandbox is
// laxer.
#pragma once

namespace steward::library::sandbox {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace steward::library::sandbox
