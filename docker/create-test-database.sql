CREATE DATABASE wharf_test;
