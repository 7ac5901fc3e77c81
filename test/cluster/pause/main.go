// Command pause keeps a pod's namespaces alive, as the only program in the image for that purpose. It waits until it is told
// to stop.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
