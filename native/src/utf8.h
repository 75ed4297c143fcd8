// UTF-8 as the Unicode standard defines it (table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once
#include <cstddef>
#include <string_view>

namespace graft {

// Bytes of the well-formed sequence at the start of `text` (1..4), or 0 when there is none.
size_t utf8_length(std::string_view text);

}  // namespace graft
