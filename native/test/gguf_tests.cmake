# Tests of GGUF files: reader, writer, JSON, tokenizer files, random models.
graft_test(test_gguf_reader "${CMAKE_CURRENT_SOURCE_DIR}/test/test_gguf_reader.cpp")
graft_test(test_gguf_writer "${CMAKE_CURRENT_SOURCE_DIR}/test/test_gguf_writer.cpp")
graft_test(test_gguf_models "${CMAKE_CURRENT_SOURCE_DIR}/test/test_gguf_models.cpp")
graft_test(test_vocabulary_file "${CMAKE_CURRENT_SOURCE_DIR}/test/test_vocabulary_file.cpp")
# fuzz_gguf MUTATIONS SEED
graft_test(fuzz_gguf "${CMAKE_CURRENT_SOURCE_DIR}/test/fuzz_gguf.cpp" ARGS 20000 1)
