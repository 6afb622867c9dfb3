package clip

// Niceness is for the tests.
const Niceness = niceness
