// Reads the oracle cases' JSON: objects, arrays, numbers, strings without escapes. Ends the program on anything else.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace json_reader {

struct Value {
  double number = 0;
  std::string text;
  std::vector<Value> items;
  std::map<std::string, Value> fields;

  const Value &operator[](const std::string &name) const {
    static const Value none;
    const auto found = fields.find(name);
    return found == fields.end() ? none : found->second;
  }
  double or_else(double other) const { return present ? number : other; }
  bool present = false;
};

class Reader {
 public:
  Reader(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}

  bool at_end() {
    space();
    return at_ == text_.size();
  }
  Value value() {
    Value v;
    v.present = true;
    space();
    const char c = at_ < text_.size() ? text_[at_] : 0;
    if (c == '{') {
      for (at_++; !closes('}');) {
        const std::string key = string();
        expect(':');
        v.fields[key] = value();
      }
    } else if (c == '[') {
      for (at_++; !closes(']');) v.items.push_back(value());
    } else if (c == '"') {
      v.text = string();
    } else {
      char *end = nullptr;
      v.number = std::strtod(text_.c_str() + at_, &end);
      if (end == text_.c_str() + at_) wrong();
      at_ = size_t(end - text_.c_str());
    }
    return v;
  }

 private:
  [[noreturn]] void wrong() const {
    std::fprintf(stderr, "%s: not the JSON that was expected, at byte %zu\n", name_.c_str(), at_);
    std::exit(1);
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) at_++;
  }
  void expect(char c) {
    space();
    if (at_ >= text_.size() || text_[at_++] != c) wrong();
  }
  bool closes(char c) {   // skips a comma
    space();
    if (at_ < text_.size() && text_[at_] == ',') at_++;
    space();
    if (at_ >= text_.size()) wrong();
    if (text_[at_] != c) return false;
    at_++;
    return true;
  }
  std::string string() {
    expect('"');
    const size_t end = text_.find('"', at_);
    if (end == std::string::npos) wrong();
    const std::string s = text_.substr(at_, end - at_);
    at_ = end + 1;
    return s;
  }

  std::string name_, text_;
  size_t at_ = 0;
};

inline Reader open(const std::string &path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!(text << file.rdbuf())) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    std::exit(1);
  }
  return Reader(path, text.str());
}

inline std::vector<Value> lines(const std::string &path) {
  Reader reader = open(path);
  std::vector<Value> all;
  while (!reader.at_end()) all.push_back(reader.value());
  return all;
}

}  // namespace json_reader
