package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A function that a request offers.
 *
 * @param parameters the JSON Schema of its arguments, an object  @param param where that stands in the request
 */
record Tool(String name, JsonNode parameters, String param) {}
