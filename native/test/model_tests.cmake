# Tests of the model graph, adapters, training and generation.
foreach(name test_model test_trainer test_lora test_weights test_generator test_sampler)
  graft_test(${name} "${CMAKE_CURRENT_SOURCE_DIR}/test/${name}.cpp")
endforeach()
