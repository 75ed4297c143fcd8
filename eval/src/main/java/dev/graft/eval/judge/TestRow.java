package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A row to be answered.
 *
 * @param line of the file, from 1
 * @param id its "id", or its position from 0
 * @param prompt as the row has it, a string or a list of messages; null for ready ids
 * @param gold the right answer
 */
record TestRow(int line, JsonNode id, JsonNode prompt, String gold) {}
