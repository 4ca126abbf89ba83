// A gRPC client that knows of the platform only what spec/api.json says: it makes descriptors of the names and numbers there
// and leaves everything on the wire to grpc-go and protobuf-go.
//
//	grpc-client SPEC HOST:PORT < calls
//
// Each line of standard input is a call, {"method":"<service>/<rpc>","request":{…},"token":"…"}; each line of
// standard output is its outcome in the same order, {"code":"OK","response":{…}} or {"code":"NotFound","message":"…"}. The calls
// share one connection. One with "together":true does not wait for those before it.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	pb "google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
)

type specification struct {
	Services []struct {
		Package, Service string
		Rpcs             []struct{ Name, Request, Response string }
	}
	Messages map[string]struct {
		Fields []struct {
			Name, JSON, Type, Kind, Oneof string
			Number                        int32
			Repeated, Optional            bool
			Map                           *struct{ Key, Value, Kind string }
		}
	}
	Enums map[string]map[string]int32
}

type call struct {
	Method, Token string
	Request       json.RawMessage
	Together      bool
}

type outcome struct {
	Code     string          `json:"code"`
	Message  string          `json:"message,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
}

func main() {
	var spec specification
	check(json.Unmarshal(must(os.ReadFile(os.Args[1])), &spec))
	file := describe(spec)
	types := map[string][2]string{}
	for _, service := range spec.Services {
		for _, rpc := range service.Rpcs {
			types[service.Package+"."+service.Service+"/"+rpc.Name] = [2]string{rpc.Request, rpc.Response}
		}
	}
	// As large as the SDK takes them.
	size := grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100 << 20))
	connection := must(grpc.NewClient(os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()), size))
	defer connection.Close()

	outcomes := []*outcome{}
	var running sync.WaitGroup
	for lines := json.NewDecoder(os.Stdin); lines.More(); {
		var next call
		check(lines.Decode(&next))
		pair, known := types[next.Method]
		if !known {
			pair = [2]string{"google.protobuf.Empty", "google.protobuf.Empty"}
		}
		if !next.Together {
			running.Wait()
		}
		result := &outcome{}
		outcomes = append(outcomes, result)
		running.Go(func() { *result = perform(connection, next, empty(file, pair[0]), empty(file, pair[1])) })
	}
	running.Wait()
	for _, each := range outcomes {
		check(json.NewEncoder(os.Stdout).Encode(each))
	}
}

func perform(connection *grpc.ClientConn, next call, request, response proto.Message) outcome {
	check(protojson.Unmarshal(next.Request, request))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if next.Token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+next.Token)
	}
	if err := connection.Invoke(ctx, "/"+next.Method, request, response); err != nil {
		return outcome{Code: status.Code(err).String(), Message: status.Convert(err).Message()}
	}
	return outcome{Code: "OK", Response: must(protojson.Marshal(response))}
}

// Types are flat here: their names are not on the wire, so they need no packages and no nesting.
func flat(name string) string {
	if strings.HasPrefix(name, "google.protobuf.") {
		return name
	}
	return strings.ReplaceAll(name, ".", "_")
}

func empty(file protoreflect.FileDescriptor, name string) proto.Message {
	if found := file.Messages().ByName(protoreflect.Name(flat(name))); found != nil {
		return dynamicpb.NewMessage(found)
	}
	return must(protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))).New().Interface()
}

func describe(spec specification) protoreflect.FileDescriptor {
	file := &pb.FileDescriptorProto{Name: proto.String("api.proto"), Syntax: proto.String("proto3")}
	for _, name := range []string{"any", "duration", "empty", "field_mask", "struct", "timestamp"} {
		file.Dependency = append(file.Dependency, "google/protobuf/"+name+".proto")
	}
	for name, values := range spec.Enums {
		enum := &pb.EnumDescriptorProto{Name: proto.String("Values")}
		for value, number := range values {
			enum.Value = append(enum.Value, &pb.EnumValueDescriptorProto{Name: &value, Number: &number})
		}
		// Its zero comes first.
		slices.SortFunc(enum.Value, func(a, b *pb.EnumValueDescriptorProto) int { return cmp.Compare(a.GetNumber(), b.GetNumber()) })
		// Two enums side by side must not have a value of the same name, so each is in a message of its own.
		file.MessageType = append(file.MessageType, &pb.DescriptorProto{Name: proto.String(flat(name)), EnumType: []*pb.EnumDescriptorProto{enum}})
	}
	for name, of := range spec.Messages {
		message := &pb.DescriptorProto{Name: proto.String(flat(name))}
		for _, each := range of.Fields {
			field := describeField(each.Name, each.JSON, each.Number, each.Kind, each.Type)
			if each.Map != nil {
				entry := &pb.DescriptorProto{Name: proto.String(strings.ToUpper(each.JSON[:1]) + each.JSON[1:] + "Entry"), Options: &pb.MessageOptions{MapEntry: proto.Bool(true)}}
				entry.Field = append(entry.Field, describeField("key", "key", 1, "scalar", each.Map.Key), describeField("value", "value", 2, each.Map.Kind, each.Map.Value))
				message.NestedType = append(message.NestedType, entry)
				field.Type, field.TypeName = pb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String("."+flat(name)+"."+entry.GetName())
			}
			if each.Map != nil || each.Repeated {
				field.Label = pb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			} else if each.Optional || each.Oneof != "" {
				// On the wire one of several is nothing but a field that is there or not.
				field.Proto3Optional, field.OneofIndex = proto.Bool(true), proto.Int32(int32(len(message.OneofDecl)))
				message.OneofDecl = append(message.OneofDecl, &pb.OneofDescriptorProto{Name: proto.String("_" + each.Name)})
			}
			message.Field = append(message.Field, field)
		}
		file.MessageType = append(file.MessageType, message)
	}
	return must(protodesc.NewFile(file, protoregistry.GlobalFiles))
}

func describeField(name, json string, number int32, kind, ofType string) *pb.FieldDescriptorProto {
	field := &pb.FieldDescriptorProto{Name: &name, JsonName: &json, Number: &number, Label: pb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	switch kind {
	case "scalar":
		field.Type = pb.FieldDescriptorProto_Type(pb.FieldDescriptorProto_Type_value["TYPE_"+strings.ToUpper(ofType)]).Enum()
	case "enum":
		field.Type, field.TypeName = pb.FieldDescriptorProto_TYPE_ENUM.Enum(), proto.String("."+flat(ofType)+".Values")
	case "message":
		field.Type, field.TypeName = pb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String("."+flat(ofType))
	}
	return field
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}
