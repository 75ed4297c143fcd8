// A GGUF file's header as JSON, for people and programs to look at.
#pragma once
#include <cstdint>
#include <string>

#include "gguf.h"

namespace graft {

// The JSON that graft.h documents at graft_gguf_describe. Always valid JSON in valid UTF-8: bytes that are not UTF-8 become U+FFFD, one for each
// byte; control characters are escaped; floats that JSON cannot hold are the strings "NaN", "Infinity" and "-Infinity". 64-bit integers are
// written in full, floats with the fewest digits that read back as the same f32 or f64.
// @param max_items  items shown of each array; negative: all
std::string describe_json(const Gguf &gguf, int32_t max_items);

// Appends `text` to `json` as a JSON string, quotes included, with the same care.
void append_json_string(std::string &json, std::string_view text);

}  // namespace graft
