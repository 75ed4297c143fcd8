# Tests of the preference losses.
foreach(name test_loss_preference test_loss_gradients)
  graft_test(${name} "${CMAKE_CURRENT_SOURCE_DIR}/test/${name}.cpp")
endforeach()
